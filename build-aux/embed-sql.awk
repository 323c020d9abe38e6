# Turns sql/*.sql into one C list: MIGRATION(number, "text") for NNNN-name.sql, QUERY(name, "text") for each
# `-- name: x` in the other files. Comments and indentation are dropped, so that the programs carry less.

function flush_text()
{
	if (kind == "QUERY" && body == "") {
		printf "embed-sql: query %s is empty\n", name > "/dev/stderr"
		exit failed = 1
	}
	if (kind != "")
		printf "%s(%s,%s)\n", kind, name, body
	body = ""
	kind = ""
}

FNR == 1 {
	flush_text()
	file = FILENAME
	sub(/.*\//, "", file)
	if (file ~ /^[0-9][0-9][0-9][0-9]-/) {
		kind = "MIGRATION"
		name = substr(file, 1, 4) + 0
	}
}

/^-- name: / {
	flush_text()
	kind = "QUERY"
	name = $3
	if (name in seen) {
		printf "embed-sql: query %s is there twice\n", name > "/dev/stderr"
		exit failed = 1
	}
	seen[name] = 1
	next
}

{
	sub(/--.*/, "")
	gsub(/^[ \t]+|[ \t]+$/, "")
	if ($0 == "")
		next
	if (kind == "") {
		printf "embed-sql: %s:%d: text before the first `-- name:`\n", FILENAME, FNR > "/dev/stderr"
		exit failed = 1
	}
	gsub(/\\/, "\\\\")
	gsub(/"/, "\\\"")
	body = body "\n\t\"" $0 "\\n\""
}

END {
	if (!failed)
		flush_text()
}
