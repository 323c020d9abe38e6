# What fish may complete behind ipnctl, ipn-simulate, ipnd and ipn-hookd, which know it themselves: PROGRAM --complete WORD... prints
# what the last word may become, and behind a tab what that is.

function __ipnd_complete
	set -l words (commandline -opc) (commandline -ct)
	set -l program (string replace -r '.*/' '' -- $words[1])
	set -lx PATH $PATH /usr/local/sbin /usr/sbin /sbin
	for line in (command $program --complete $words[2..-1] 2>/dev/null)
		switch $line
			case :file
				__fish_complete_path (commandline -ct)
			case :folder
				__fish_complete_directories (commandline -ct) ''
			case '*'
				echo $line
		end
	end
end

for program in ipnctl ipn-simulate ipnd ipn-hookd
	complete -c $program -f -a '(__ipnd_complete)'
end
