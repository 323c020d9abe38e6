# Puts every column of every table and view into a man page, for the line @columns@, with the comments of the migrations.
#
# Usage: awk -f columns-man.awk sql/NNNN-*.sql... PAGE    (PAGE may be -)
#
# A migration makes a table or a view with one column a line, `name TYPE ..., -- what it is`, adds one by ALTER TABLE, drops or
# renames. Columns without a comment explain themselves, and stand behind the others.

function comment_of(line)
{
	return line ~ /-- / ? substr(line, index(line, "-- ") + 3) : ""
}

function add_column(relation, name, comment)
{
	columns[relation, ++columns_n[relation]] = name
	comments[relation, name] = comment
	last = name
}

function drop(relation)
{
	delete kinds[relation]
	columns_n[relation] = 0
}

function rename(from, to, i)
{
	kinds[to] = kinds[from]
	columns_n[to] = 0
	for (i = 1; i <= columns_n[from]; i++)
		add_column(to, columns[from, i], comments[from, columns[from, i]])
	drop(from)
}

# mdoc: a new sentence, a new line; a backslash is no escape.
function plain(text)
{
	gsub(/\\/, "\\e", text)
	while (match(text, /\. [A-Z]/))
		text = substr(text, 1, RSTART) "\n" substr(text, RSTART + 2)
	return text ~ /^[.']/ ? "\\&" text : text
}

function print_relation(name, i, column, others)
{
	print ".Ss " name (kinds[name] == "VIEW" ? " (view)" : "")
	print ".Bl -tag -width Ds -compact"
	for (i = 1; i <= columns_n[name]; i++) {
		column = columns[name, i]
		if (comments[name, column])
			print ".It Va " column "\n" plain(comments[name, column])
		else
			others = others (others ? " ,\n.Va " : ".Va ") column
	}
	if (others)
		print ".It and\n" others
	print ".El"
}

FILENAME !~ /\.sql$/ {
	if ($0 != "@columns@") {
		print
		next
	}
	for (i = 1; i <= names_n; i++)
		if (columns_n[names[i]] && !(names[i] in printed)) {
			print_relation(names[i])
			printed[names[i]] = 1
		}
	next
}

/^CREATE (TABLE|VIEW) [a-z_]+ / {
	relation = $3
	kinds[relation] = $2
	names[++names_n] = relation
	columns_n[relation] = 0
	inside = / \($/
	select = / AS$/ && !/\(/ ? " " : ""
	# a view whose columns stand on the line itself
	if (!inside && match($0, /\(.*\) AS$/)) {
		n = split(substr($0, RSTART + 1, RLENGTH - 5), words, /, */)
		for (i = 1; i <= n; i++)
			add_column(relation, words[i], "")
	}
	next
}

# A view that names its columns in its SELECT: each is the last word before a comma.
select && /^FROM / {
	gsub(/^ SELECT | $/, "", select)
	n = split(select, words, /, */)
	for (i = 1; i <= n; i++) {
		sub(/.* /, "", words[i])
		add_column(relation, words[i], "")
	}
	select = ""
}

select {
	gsub(/^[ \t]+|[ \t]+$/, "")
	select = select $0 " "
}

/^DROP (TABLE|VIEW) / {
	sub(/;$/, "", $3)
	drop($3)
}

/^ALTER TABLE [a-z_]+ RENAME TO / {
	sub(/;$/, "", $6)
	rename($3, $6)
	names[++names_n] = $6
}

/^ALTER TABLE [a-z_]+ ADD COLUMN / {
	add_column($3, $6, comment_of($0))
}

inside && /^\)/ {
	inside = 0
}

# A column's words, one a line, each with its comment: 'pending', -- SNS asks
inside && /^\t\t+'[a-z]+'.*-- / {
	split($0, words, "'")
	comments[relation, last] = comments[relation, last] (comments[relation, last] ? "; " : "") words[2] ": " comment_of($0)
}

inside && /^\t[a-z_]+( |,|$)/ {
	sub(/,$/, "", $1)
	add_column(relation, $1, comment_of($0))
}
