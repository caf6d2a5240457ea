package pep508

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode"
)

// These tests ask a live Python packaging the same random questions. They run
// where WHEELLOCK_PACKAGING names a folder from which packaging >= 26 can be
// imported; WHEELLOCK_SEED and WHEELLOCK_CASES choose the questions and their number.

// askPackaging runs program with the questions as JSON on its standard input
// and decodes the JSON that it answers.
func askPackaging(t *testing.T, program string, questions, answers any) {
	t.Helper()
	input, err := json.Marshal(questions)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("python3", "-W", "ignore", "-c", "import json, sys\nsys.path.insert(0, sys.argv[1])\n"+program, os.Getenv("WHEELLOCK_PACKAGING"))
	cmd.Stdin = bytes.NewReader(input)
	cmd.Stderr = os.Stderr
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(output, answers); err != nil {
		t.Fatal(err)
	}
}

func live(t *testing.T) (*rand.Rand, int) {
	t.Helper()
	if os.Getenv("WHEELLOCK_PACKAGING") == "" {
		t.Skip("no live Python packaging: set WHEELLOCK_PACKAGING to a folder that has it")
	}
	seed, cases := uint64(1), 3000
	if s := os.Getenv("WHEELLOCK_SEED"); s != "" {
		seed, _ = strconv.ParseUint(s, 10, 64)
	}
	if s := os.Getenv("WHEELLOCK_CASES"); s != "" {
		cases, _ = strconv.Atoi(s)
	}
	return rand.New(rand.NewPCG(seed, 0)), cases
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

// mutate changes one character now and then.
func mutate(r *rand.Rand, s string) string {
	if r.IntN(4) != 0 {
		return s
	}
	alphabet := []rune("0123abdnorstx.-_+!*~=<>@#; \t\n\r\v\f\x00\u00a0\u017f\u0661\u00e9\u2003()[],'\"\\/{}|&%$")
	runes := []rune(s)
	i := r.IntN(len(runes) + 1)
	switch {
	case r.IntN(2) == 0 || i == len(runes):
		runes = slices.Insert(runes, i, pick(r, alphabet...))
	case r.IntN(2) == 0:
		runes = slices.Delete(runes, i, i+1)
	default:
		runes[i] = pick(r, alphabet...)
	}
	return string(runes)
}

func blank(r *rand.Rand) string { return pick(r, "", "", " ", " ", "\t", "  ") }

var randomEnvironment = Environment{
	"os_name": "posix", "sys_platform": "linux", "platform_machine": "x86_64",
	"platform_python_implementation": "CPython", "platform_release": "5.15.0", "platform_system": "Linux",
	"platform_version": "#1 SMP", "python_version": "3.8", "python_full_version": "3.8.10",
	"implementation_name": "cpython", "implementation_version": "3.8.10", "a": "a",
}

func randomOperand(r *rand.Rand, dotted bool) string {
	if r.IntN(2) == 0 {
		name := pick(r, "os_name", "sys_platform", "platform_machine", "platform_python_implementation", "python_implementation",
			"platform_release", "platform_system", "platform_version", "python_version", "python_version", "python_full_version",
			"implementation_name", "implementation_version", "extra", "extra", "extras", "dependency_groups")
		if dotted {
			name = pick(r, "os.name", "sys.platform", "platform.version", "platform.machine", "platform.python_implementation")
		}
		return name
	}
	value := pick(r, "3.8", "3.8.10", "3.9", "3.8.*", "3", "3.8.10+local", "2.7 3.8", "posix", "linux", "Foo_Bar", "foo-bar", "foo.bar", "",
		" 3.8", "=3.8", "3.8 3.9 3.10", "3.8|3.9", "3.8, 3.10", "3.1", "3.10", "03.8", "3.8.0", "3.8+", "3.8.*.*", "~3", "*", ">=3.8", "3.8.10.dev0", "3!8", "9999999999999999999999",
		"\u0663.8", "\u017f", "\u0130", "LINUX", "linux2", "win32 linux", "Linux ", "x86_64,aarch64", "aarch64", "#1 SMP", "#1", "test", "Test_Group", "test-group", "a.b", "none", "True", "\n", "\t3.8", "dev", "a", "os_name", "python_version", "5.15.0", "CPython", `\x33.8`, `\101`, `a\\b`, `\q`, "3.8rc1", "3.7,3.8")
	mark := pick(r, "'", `"`)
	return mark + value + mark
}

func randomMarker(r *rand.Rand, depth int) string {
	if depth > 0 && r.IntN(2) == 0 {
		inner := randomMarker(r, depth-1) + pick(r, " ", "  ", "\t") + pick(r, "and", "or") + pick(r, " ", "\t") + randomMarker(r, depth-1)
		if r.IntN(2) == 0 {
			inner = "(" + blank(r) + inner + blank(r) + ")"
		}
		return inner
	}
	if r.IntN(10) == 0 { // membership, as lock files say it (PEP 751)
		return pick(r, "'", `"`) + pick(r, "Foo-bar", "foo.bar", "a", "dev", "DEV", "x") + pick(r, "' ", `" `, "'", `"`) +
			pick(r, "in ", "not in ", " in ", "==") + pick(r, "extras", "dependency_groups", "extra", "(extras)", "extras.x", "Extras")
	}
	if r.IntN(40) == 0 {
		return pick(r, "", "()", "(", "os_name", "'a'", "'a' == 'b'", "'a' in 'ab'", "os_name == os_name", "python_version", "os_name == 'a' and", "and os_name == 'a'", "not os_name == 'a'",
			"os_name == 'a' or or os_name == 'b'", "os_name == 'a' os_name == 'b'", "os_name=='a'and os_name=='b'", "os_name=='a'or(os_name=='b')", "((((((os_name == 'a'))))))", "os_name == 'a' ; x", "python_version>='3.8'and python_version<'4'",
			"os_name == 'it''s'", `os_name == "a'b"`, `os_name == 'a\nb'`, "os_name == 'a\nb'", "platform_machine == 'x86_64' # c", "extra == 'a' or extra == 'b'", "python_full_version ~= '3.8'", "python_version ~= '3'", "python_version === '3.8'",
			"python_version in '3.6, 3.7, 3.8'", "python_version not in '3.6 3.7'", "'3.8' in python_version", "python_version < '3.8.10'", "python_full_version < '3.9.dev0'", "platform_release >= '5'", "platform_version == '#1 SMP'", "implementation_version >= '3.8.0a1'")
	}
	op := pick(r, "==", "!=", "<", "<=", ">", ">=", "==", "<", ">=", "~=", "===", " in ", " not in ", " not  in ", "in", "not in", " not\tin ", " notin ", " IN ", " is ", "=", "<>", "=>", "!", "====", " ")
	left, right := randomOperand(r, r.IntN(9) == 0), randomOperand(r, r.IntN(9) == 0)
	if r.IntN(6) == 0 {
		return "(" + left + blank(r) + op + blank(r) + right + ")"
	}
	return left + blank(r) + op + blank(r) + right
}

func TestLiveMarkers(t *testing.T) {
	r, n := live(t)
	type question struct {
		Marker       string
		Env          Environment
		Context      string
		Extra        *string
		Extras, Deps []string
	}
	contexts := []string{"metadata", "requirement", "lock_file"}
	questions := make([]question, n)
	none, foo := "", "Foo.Bar"
	for i := range questions {
		m := randomMarker(r, r.IntN(4))
		if r.IntN(2) == 0 {
			m = mutate(r, m)
		}
		questions[i] = question{m, randomEnvironment, pick(r, contexts...), pick(r, nil, nil, &none, &foo),
			pick(r, nil, []string{}, []string{"Foo-bar", "a"}), pick(r, nil, []string{"dev"})}
	}
	var answers []*struct {
		Str  string
		Want any
	}
	askPackaging(t, `
from packaging.markers import Marker, InvalidMarker, UndefinedComparison, UndefinedEnvironmentName
def answer(q):
    try:
        m = Marker(q["Marker"])
        s = str(m)
    except (InvalidMarker, ValueError):
        return None
    env = dict(q["Env"])
    if q["Extra"] is not None: env["extra"] = q["Extra"]
    if q["Extras"] is not None: env["extras"] = set(q["Extras"])
    if q["Deps"] is not None: env["dependency_groups"] = set(q["Deps"])
    try:
        want = m.evaluate(env, q["Context"])
    except UndefinedComparison: want = "error:UndefinedComparison"
    except UndefinedEnvironmentName: want = "error:UndefinedEnvironmentName"
    return dict(str=s, want=want)
json.dump([answer(q) for q in json.load(sys.stdin)], sys.stdout)`, questions, &answers)
	valid, outcomes := 0, map[any]int{}
	for i, want := range answers {
		q := questions[i]
		m, err := ParseMarker(q.Marker)
		if (err == nil) != (want != nil) {
			t.Errorf("%q: valid = %v (%v)", q.Marker, err == nil, err)
			continue
		}
		if want == nil {
			checkSyntaxError(t, q.Marker, err)
			continue
		}
		valid++
		// The reference writes a backslash in a way that it cannot read back;
		// ours differs on purpose.
		if !strings.Contains(q.Marker, `\`) && m.String() != want.Str {
			t.Errorf("%q: String %q, want %q", q.Marker, m, want.Str)
		}
		v := Values{Environment: q.Env, Extra: q.Extra, Extras: q.Extras, DependencyGroups: q.Deps}
		got := outcome(m, Context(slices.Index(contexts, q.Context)), v)
		if got != want.Want {
			t.Errorf("%q in %+v: got %v, want %v", q.Marker, q, got, want.Want)
		}
		outcomes[got]++
	}
	t.Logf("%d markers, %d valid: %v", n, valid, outcomes)
}

func randomRequirement(r *rand.Rand) string {
	var b strings.Builder
	b.WriteString(blank(r) + pick(r, "name", "Foo.Bar", "a", "foo_", "foo-bar_baz", "n1") + blank(r))
	if r.IntN(8) == 0 {
		b.Reset()
		b.WriteString(pick(r, "0", "A--B__c..D", "-a", "a-", ".a", "_", "\u00e9", "a\u0130", "na me", "a/b", "a\\b", strings.Repeat("x", 300)))
	}
	b.WriteString(pick(r, "", "", "", "[]", "[a]", "[ a , b ]", "[b,a,b]", "[ ]", "[A_b,a.B]") + blank(r))
	if r.IntN(12) == 0 {
		b.WriteString(pick(r, "[a,]", "[,a]", "[a b]", "[a][b]", "[\na]", "[-a]", "[a-]", "[\u00e9]"))
	}
	if r.IntN(5) == 0 {
		b.WriteString("@" + blank(r) + pick(r, "https://h.example/x.whl", "file:///x;y", "../x", "git+ssh://u@h.example/r@v1#egg=x", "", "x", "https://h.example/x.whl;a", "https://u:p@h.example/?q=1&r[]=2#sha256=ab", "file:///C:/x y", "https://h.example/a(b)", "https://h.example/'x'", "gopher:\u00e9", "HTTPS://H.example", "https://h.example\n", "a@b@c", "@x", "https://[::1]/x", "${ENV}/x"))
		b.WriteString(pick(r, "", " ", " ", " \t"))
	} else {
		var clauses []string
		for range r.IntN(4) {
			clauses = append(clauses, pick(r, ">=", "<", "==", "!=", "~=", ">", "<=", "===")+blank(r)+
				pick(r, "1", "1.0", "2.0", "1.0.*", "1.0rc1", "1.0+x", "v1.5", "1!2.0", "2.0.post1", "x", "1.*.*", "*", "1.0 ", "\u0661", "1.0;", "1,0", "1.0)", "", "2004d", "1.0-1", "1.0+L.1"))
		}
		list := strings.Join(clauses, blank(r)+","+blank(r)) + pick(r, "", "", "", ",")
		if r.IntN(4) == 0 {
			list = "(" + blank(r) + list + blank(r) + ")"
		}
		b.WriteString(list + blank(r))
	}
	if r.IntN(3) == 0 {
		b.WriteString(";" + blank(r) + randomMarker(r, r.IntN(3)) + blank(r))
	}
	s := b.String()
	if r.IntN(20) == 0 {
		s = strings.ReplaceAll(s, " ", pick(r, "\n", "\r\n", "\\\n", "\u00a0", "  "))
	}
	return mutate(r, s)
}

func TestLiveRequirements(t *testing.T) {
	r, n := live(t)
	questions := make([]string, n)
	for i := range questions {
		questions[i] = randomRequirement(r)
	}
	var answers []*struct {
		Name, URL, Str string
		Extras         []string
	}
	askPackaging(t, `
from packaging.requirements import Requirement, InvalidRequirement
from packaging.utils import canonicalize_name
def answer(s):
    try:
        r = Requirement(s)
        str(r)
    except (InvalidRequirement, ValueError):
        return None
    return dict(name=canonicalize_name(r.name), url=r.url or "", str=str(r), extras=sorted(r.extras))
json.dump([answer(s) for s in json.load(sys.stdin)], sys.stdout)`, questions, &answers)
	valid := 0
	for i, want := range answers {
		in := questions[i]
		req, err := Parse(in)
		if want != nil && strings.ContainsFunc(want.URL, unicode.IsControl) {
			continue // refused here on purpose
		}
		if (err == nil) != (want != nil) {
			t.Errorf("%q: valid = %v (%v)", in, err == nil, err)
			continue
		}
		if want == nil {
			checkSyntaxError(t, in, err)
			continue
		}
		valid++
		if req.Canonical() != want.Name || req.URL != want.URL || !slices.Equal(req.Extras, want.Extras) {
			t.Errorf("%q: got %+v, want %+v", in, req, *want)
		}
		if req.String() != want.Str && !strings.Contains(in, `\`) {
			t.Errorf("%q: String %q, want %q", in, req, want.Str)
		}
	}
	t.Logf("%d requirements, %d valid", n, valid)
}

// Names: one meaning, one spelling; and which are names at all.
func TestLiveNames(t *testing.T) {
	r, n := live(t)
	alphabet := []rune("abzABZ019.-_.-_ \n\u00e9\u0130\u017f\u212a\u0661\u00df/@+")
	questions := make([]string, n)
	for i := range questions {
		name := make([]rune, r.IntN(8))
		for k := range name {
			name[k] = pick(r, alphabet...)
		}
		questions[i] = string(name)
	}
	var answers []struct {
		Canonical         string
		Valid, Normalized bool
	}
	askPackaging(t, `
from packaging.utils import canonicalize_name, is_normalized_name, InvalidName
def answer(s):
    try:
        canonicalize_name(s, validate=True)
        valid = True
    except InvalidName:
        valid = False
    return dict(canonical=canonicalize_name(s), valid=valid, normalized=is_normalized_name(s))
json.dump([answer(s) for s in json.load(sys.stdin)], sys.stdout)`, questions, &answers)
	valid := 0
	for i, want := range answers {
		in := questions[i]
		got := ValidName(in)
		if got != want.Valid {
			t.Errorf("%q: valid = %v", in, got)
			continue
		}
		if !want.Valid {
			continue
		}
		valid++
		if NormalizeName(in) != want.Canonical {
			t.Errorf("%q: %q, want %q", in, NormalizeName(in), want.Canonical)
		}
		if normalized := NormalizeName(in) == in; normalized != want.Normalized {
			t.Errorf("%q: normalized = %v", in, normalized)
		}
	}
	t.Logf("%d names, %d valid", n, valid)
}
