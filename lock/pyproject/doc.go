// Package pyproject reads and edits the user's files: pyproject.toml,
// requirements files and wheellock.toml. It understands how requirements are
// written down, not what they mean: a requirement is carried as text with its
// place, and whoever resolves it parses it.
//
// # Configuration
//
// It stands in [tool.wheellock] of pyproject.toml, or with the same keys in
// wheellock.toml; both at once is an error. Unknown keys are errors. See Config
// for the keys and Preset for what the policy means.
//
// # Inputs
//
// The files in sources, or where that key is absent: pyproject.toml if it has
// [project] or [dependency-groups] (unless its dependencies are dynamic and
// there is a requirements.in), else requirements.in if it is there. To them come
// the configuration's own requirements = [...]. A source may be given a group,
// { file = "apps/shop/pyproject.toml", group = "shop" }: what is the file's default
// group is then the group shop, and a group or extra dev of it is shop-dev.
//
// From pyproject.toml: [project] dependencies are the default group "". Each
// extra of [project.optional-dependencies] and each group of
// [dependency-groups] (PEP 735, with include-group) is a group of its normalised
// name; an extra and a group of one name are one group. An extra that names the
// project itself, "me[a,b]", stands for those extras.
//
// From a requirements file: one requirement a line, as pip reads it: comments,
// continued lines, -r and -c (relative to the file), --only-binary, --no-binary,
// --pre, and --hash, which allows only files with one of these hashes. Where
// packages come from is the configuration's to say: --index-url,
// --extra-index-url and --find-links may repeat it and are errors otherwise. An
// address without a name takes it from #egg= or from the file. Other options
// and environment variables are errors that say where it belongs instead.
//
// A folder (-e ./libs/x, ./libs/x, x @ file:./libs/x, relative to the project's
// folder) is a local project. Its PEP 621 requirements, with the extras asked
// for, are inputs; it is not locked itself (see Local).
//
// # Editing
//
// An edit changes the bytes that it means and no others: comments, order, line
// ends and quotes stay. Afterwards the file is parsed again, and if its meaning
// is not the old one with exactly the change asked for, the edit is refused.
//
// # The digest of the inputs
//
// A lock's requires-digest is the SHA-256 of a text: the line
// "wheellock-requires/v1", then one line for each input, sorted bytewise
// without duplicates, each with its line feed. A line is a key and its quoted
// values (Go syntax), separated by blanks:
//
//	require GROUP REQUIREMENT       constrain REQUIREMENT      override REQUIREMENT
//	no-binary NAME   only-binary NAME   prereleases "allow"   conflict GROUP...
//	hash NAME SHA256...   local NAME VERSION REQUIRES-PYTHON
//	target NAME PYTHON PLATFORM IMPLEMENTATION      ("" where not given; then ABI, if given)
//	metadata NAME VERSION REQUIRES-PYTHON REQUIREMENT...
//	build NAME VERSION "env" KEY VALUE   build NAME VERSION "config-settings" KEY VALUE...
//	build NAME VERSION "build-requires" REQUIREMENT   build NAME VERSION "normal-form" N
//	versions V   bounded-by D (if versions is bounded)   prefer V
//	exclude-newer TEXT (as written)      policy KEY VALUE (normal-form: if there is one)
//
// Requirements are written with a normalised name, sorted extras and clauses,
// no needless blanks and double quotes. So the order and layout of the files do
// not matter, and neither does which file says it. For a requirements.in with
//
//	Requests[socks] >= 2.31, <3   # http
//	tomli; python_version < '3.11'
//
// and the target bookworm the text is
//
//	wheellock-requires/v1
//	policy "append" "now"
//	policy "build-requirements" "upstream"
//	policy "builders" "1"
//	policy "ceremony" "root"
//	policy "mirror" "unreproducible"
//	policy "reviews" "0"
//	policy "wheels" "build-unless-reproducible"
//	policy "witnesses" "0"
//	prefer "newest"
//	require "" "requests[socks]<3,>=2.31"
//	require "" "tomli ; python_version<\"3.11\""
//	target "bookworm" "" "" ""
//	versions "newest"
package pyproject
