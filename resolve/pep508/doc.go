// Package pep508 reads dependency specifiers: requirements, their environment
// markers, and project names. The sources are PEP 508 as kept in the packaging
// user guide ("Dependency specifiers"), PEP 503 (names), PEP 685 (extras) and
// PEP 751 (markers of lock files); where they leave a choice, Python's packaging 26 is followed.
//
//	requirement  name [extras] [specifiers | "(" specifiers ")"] [";" marker]
//	             name [extras] "@" url [space ";" marker]
//	extras       "[" [name ("," name)*] "]"
//	specifiers   clause ("," clause)* [","]
//	marker       term (("and" | "or") term)*        "and" binds tighter
//	term         "(" marker ")" | operand operator operand
//	operator     "<=" "<" "!=" "==" ">=" ">" "~=" "===" "in" "not" "in"
//	operand      a variable, or a Python string in single or double quotes
//
// White space between the words is blanks and tabs. A name is made of ASCII
// letters, digits, ".", "-" and "_", and begins and ends with a letter or digit
// (the end may also be "_").
//
// So 'requests[socks] >= 2.8.1, == 2.8.*; python_version < "2.7"' has the name
// requests, the extra socks, the clauses >=2.8.1 and ==2.8.*, and a marker; its
// normal form is 'requests[socks]==2.8.*,>=2.8.1; python_version < "2.7"'.
//
// # How a comparison is judged
//
// python_version, python_full_version, implementation_version and
// platform_release are compared as versions (PEP 440) if operator and right
// operand together are a specifier; a left operand that is no version then
// satisfies only ===. All else is compared as text: == and != as they say,
// <= and >= as ==, < and > never hold, in and not in look for a part
// of the right operand, and ~= and === are an error. The comparison takes its
// left and right operand as written, so that '"3.8" <= python_version' asks
// whether 3.8 is at most the interpreter's version. Every comparison is
// judged, also where the outcome no longer depends on it: an error shows in each environment.
//
// The two set-valued variables of lock files, extras and dependency_groups, can
// only stand to the right, as in '"dev" in dependency_groups'. Names of extras
// and groups are compared in normal form.
package pep508
