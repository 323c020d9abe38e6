# What bash may complete behind ipnctl, ipn-simulate, ipnd and ipn-hookd. The programs know: PROGRAM --complete WORD... prints what
# the last word may become. The program is taken from the PATH, whatever stands on the line, so that no key runs what nobody meant.

_ipnd()
{
	local line PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

	COMPREPLY=()
	while IFS= read -r line; do
		case $line in
		:file) compopt -o default ;;
		:folder) compopt -o dirnames ;;
		*) COMPREPLY+=("${line%%$'\t'*}") ;;
		esac
	done < <(command "${1##*/}" --complete "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}

complete -F _ipnd ipnctl ipn-simulate ipnd ipn-hookd
