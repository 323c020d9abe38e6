# Makes man/ipnd-schema.7 of its text (.7.in) and of the lists that the programs are made of, so that it cannot say otherwise:
#
#   awk -v sql_files='sql/0001-first.sql ...' -f states-man.awk objects.def states.def changes.def ipnd-schema.7.in
#
# @schema@ becomes the number of the last migration; the line @states@ the objects with their states, moves and events.

# The quoted and unquoted arguments of a row like MOVE(CAPTURE, NOTHING, PENDING), into argument[1..]
function read_row(line)
{
	sub(/^[A-Z_]+\(/, "", line)
	sub(/\).*/, "", line)
	gsub(/"/, "", line)
	return split(line, argument, /, */)
}

/^OBJECT\(/ {
	read_row($0)
	objects[++objects_n] = argument[1]
	object_word[argument[1]] = argument[2]
}

/^STATE\(/ {
	read_row($0)
	states[++states_n] = argument[1]
	state_word[argument[1]] = argument[2]
	state_event[argument[1]] = argument[3]
}

/^MOVE\(/ {
	read_row($0)
	move[argument[1], argument[2], argument[3]] = 1
	has[argument[1], argument[3]] = 1
}

# What happens to a billing agreement besides its state.
/^CHANGE\(/ {
	if (read_row($0) == 2 && argument[2] != "")
		changes[++changes_n] = argument[2]
}

function moves_from(object, from, i, words)
{
	for (i = 1; i <= states_n; i++)
		if ((object, from, states[i]) in move)
			words = words (words ? ", " : "") state_word[states[i]]
	return words ? words : "final"
}

# The last column has no width: only so is it wrapped where a terminal of 80 columns has no room.
function print_object(object, i, word)
{
	word = object_word[object]
	print ".Ss " word
	print ".Bl -column \"Suspended\" \"" word ".suspended\""
	print ".It Em state Ta Em event Ta Em may become"
	print ".It new Ta - Ta " moves_from(object, "NOTHING")
	for (i = 1; i <= states_n; i++)
		if ((object, states[i]) in has)
			print ".It " state_word[states[i]] " Ta " word "." state_event[states[i]] " Ta " moves_from(object, states[i])
	print ".El"
	if (object != "BILLING_AGREEMENT")
		return
	print ".Pp"
	print "Without a change of state:"
	for (i = 1; i <= changes_n; i++)
		print ".Sy " word "." changes[i] (i < changes_n ? " ," : " .")
}

function schema(files, n, i, number, last)
{
	n = split(sql_files, files, " ")
	for (i = 1; i <= n; i++)
		if (match(files[i], /[0-9][0-9][0-9][0-9]-/)) {
			number = substr(files[i], RSTART, 4) + 0
			last = number > last ? number : last
		}
	return last
}

FILENAME !~ /\.7\.in$/ {
	next
}

/^@states@$/ {
	for (o = 1; o <= objects_n; o++)
		print_object(objects[o])
	next
}

{
	gsub(/@schema@/, schema())
	print
}
