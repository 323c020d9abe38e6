# Puts the lists of the log's kinds and facts into a man page, for @kinds@ and @facts@: the comments of kinds.def are the headings.
# Usage: awk -f journal-man.awk src/journal/kinds.def src/journal/facts.def PAGE.in

FNR == 1 {
	file++
}

file == 1 && /^\/\* .*\*\/$/ {
	gsub(/^\/\* *| *\*\/$/, "")
	kinds = kinds ".It Em " $0 " Ta \"\"\n"
	next
}

# KIND(NAME, "id", "meaning")
file == 1 && /^KIND\(/ {
	if (split($0, quoted, "\"") != 5) {
		print "journal-man: line " FNR " is no kind" >"/dev/stderr"
		exit failed = 1
	}
	kinds = kinds ".It " quoted[2] " Ta " quoted[4] "\n"
	next
}

# TEXT_FACT(member, "FIELD", "meaning")
file == 2 && /^(TEXT|NUMBER)_FACT\(/ {
	if (split($0, quoted, "\"") != 5) {
		print "journal-man: line " FNR " is no fact" >"/dev/stderr"
		exit failed = 1
	}
	facts = facts ".It Va " quoted[2] " Ta " quoted[4] "\n"
	next
}

file < 3 {
	next
}

/^@kinds@$/ {
	print ".Bl -column \"629ea2a9c1ca409eb3423a5d6ad98e85\"" # the last column has no width: only so is it wrapped
	printf "%s.El\n", kinds
	next
}

/^@facts@$/ {
	print ".Bl -column \"IPND_DURATION_USEC\""
	printf "%s.El\n", facts
	next
}

{
	print
}

END {
	exit failed
}
