# Puts into a man page what the built programs say of themselves, so that it cannot say otherwise. These lines become:
#
#   @options PROGRAM [VERB]@    its rows of --help; of a verb those that are its own
#   @setting SECTION.NAME@      the heading of a setting, its default, and what may be written (ipnctl check-config --settings)
#
# Usage: awk -v programs=FOLDER -f manual.awk PAGE.in. Fails when a row is not there, or a setting has no place in the page.

function fail(what)
{
	print "manual: " what >"/dev/stderr"
	exit failed = 1
}

# Text of ours for mdoc: a new sentence, a new line.
function plain(text)
{
	gsub(/\\/, "\\e", text)
	while (match(text, /\. [A-Z]/))
		text = substr(text, 1, RSTART) "\n" substr(text, RSTART + 2)
	return text ~ /^[.']/ ? "\\&" text : text
}

# The same as one argument of a macro.
function quoted(text)
{
	gsub(/\\/, "\\e", text)
	gsub(/"/, "\\(dq", text)
	return "\"" text "\""
}

# One row of --help: "  -c, --config FILE  what it does"
function print_option(line, words, letter, text)
{
	letter = line ~ /^  -/ ? substr(line, 4, 1) : ""
	sub(/^ +(-., )?--/, "", line)
	if (!match(line, /  +/))
		fail("no help beside --" line)
	text = substr(line, RSTART + RLENGTH)
	split(substr(line, 1, RSTART - 1), words, " ")
	if (letter)
		printf ".It Fl %s%s , Fl -%s", letter, words[2] ? " Ar " words[2] : "", words[1]
	else
		printf ".It Fl -%s", words[1]
	print words[2] ? " Ar " words[2] : ""
	print plain(text)
}

function print_options(program, verb, command, line, n)
{
	command = programs "/" program " " verb " --help"
	print ".Bl -tag -width Ds"
	while ((command | getline line) > 0) {
		if (line ~ /^Options of every verb/)
			break
		if (line ~ /^  (-.,|   ) --/) {
			print_option(line)
			n++
		}
	}
	close(command)
	print ".El"
	if (!n)
		fail(command " shows no option")
}

# "SETTING  DEFAULT  WRITE", the columns two spaces apart.
function read_settings(command, line, field)
{
	command = programs "/ipnctl check-config --settings"
	while ((command | getline line) > 0) {
		if (line ~ /^SETTING /)
			continue
		if (split(line, field, /   */) < 3)
			fail("no setting: " line)
		initial[field[1]] = field[2]
		form[field[1]] = substr(line, index(line, field[3]))
		settings_n++
	}
	close(command)
	if (!settings_n)
		fail(command " shows no setting")
}

function print_setting(name, words)
{
	if (!settings_n)
		read_settings()
	if (!(name in initial))
		fail("there is no setting " name)
	if (name in shown)
		fail("setting " name " is there twice")
	shown[name] = 1
	split(name, words, ".")
	print ".It Va " words[2] (initial[name] == "-" ? " No (needed)" : " No = " quoted(initial[name]))
	print "Write " plain(form[name]) "."
	print ".br"
}

/^@options .*@$/ {
	gsub(/@/, "")
	print_options($2, $3)
	next
}

/^@setting .*@$/ {
	gsub(/@/, "")
	print_setting($2)
	next
}

{
	print
}

END {
	if (!failed && settings_n)
		for (name in initial)
			if (!(name in shown))
				fail("setting " name " has no place in the page")
	exit failed
}
