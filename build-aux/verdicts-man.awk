# Puts the list of answers into a man page: the comments of verdicts.def are the headings, its rows a table, for @verdicts@.
# Usage: awk -f verdicts-man.awk src/verdict/verdicts.def PAGE.in

function heading(text)
{
	sub(/^\/\* */, "", text)
	sub(/ *\*\/$/, "", text)
	return text
}

# The comment on one line just before rows is theirs.
FNR == NR && /^\/\* .*\*\/$/ {
	groups[++groups_n] = heading($0)
	next
}

# VERDICT(NAME, "word", status, level, "answer", "meaning"), on two lines.
FNR == NR && /^VERDICT\(/ {
	row = $0
	while (row !~ /\)$/ && (getline more) > 0)
		row = row more
	if (!groups_n || split(row, quoted, "\"") != 7) {
		print "verdicts-man: line " FNR " is no row under a heading" >"/dev/stderr"
		exit failed = 1
	}
	split(quoted[3], field, ",")
	gsub(/ /, "", field[2])
	rows[groups_n] = rows[groups_n] ".It " field[2] " Ta " quoted[2] " Ta " quoted[6] "\n"
	next
}

FNR == NR {
	next
}

/^@verdicts@$/ {
	for (g = 1; g <= groups_n; g++) {
		if (g > 1)
			print ".Pp"
		gsub(/\. /, ".\n", groups[g]) # mdoc: a new sentence, a new line
		print groups[g]
		print ".Bl -column \"status\" \"certificate-missing\"" # the last column has no width: only so is it wrapped
		print ".It Em status Ta Em verdict Ta Em meaning"
		printf "%s", rows[g]
		print ".El"
	}
	next
}

{
	print
}

END {
	exit failed
}
