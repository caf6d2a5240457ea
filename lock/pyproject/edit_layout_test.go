package pyproject

import (
	"bytes"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// layouts are what people write; the group is where the edit goes.
var layouts = []struct{ name, group, file string }{
	{"one line", "", "pyproject.toml\n[project]\nname = \"x\" # ours\ndependencies = [\"aa\", \"zz>=1\"] # here\n\n[tool.black]\nline-length = 100\n"},
	{"trailing comma", "", "pyproject.toml\n[project]\ndependencies = [\"aa\", \"zz\",]\n"},
	{"many lines", "", "pyproject.toml\n[project]\ndependencies = [\n  # first\n  \"aa\", # why aa\n\n  # last\n  \"zz\"  # why zz\n  # end\n]\n"},
	{"many lines, comma", "", "pyproject.toml\n[project]\ndependencies = [\n\t\"aa\",\n\t\"zz\", # why zz\n]\nversion = \"1\"\n"},
	{"literal quotes", "", "pyproject.toml\n[project]\ndependencies = [\n    'aa; python_version < \"3.11\"',\n    'zz',\n]\n"},
	{"crlf", "", "pyproject.toml\n[project]\r\ndependencies = [\r\n    \"aa\",\r\n    \"zz\",\r\n]\r\n"},
	{"no last line end", "", "pyproject.toml\n[project]\ndependencies = [\"aa\"]"},
	{"closing bracket beside", "", "pyproject.toml\n[project]\ndependencies = [\"aa\",\n                \"zz\"]\n"},
	{"long line", "", "pyproject.toml\n[project]\ndependencies = [\"aa\", " + strings.Repeat("\"kkkkkkkkkkkk>=1\", ", 12) + "\"zz\"]\n"},
	{"dotted key", "", "pyproject.toml\nproject.name = \"x\"\nproject.dependencies = [\"aa\"]\n"},
	{"other tools", "", "pyproject.toml\n[tool.poetry]\nname = \"x\"\n[tool.poetry.dependencies]\npython = \"^3.9\"\n[tool.pdm.dev-dependencies]\nt = [\"aa\"]\n[project]\ndependencies = [\"aa\"]\n[tool.hatch.envs.default]\ndependencies = [\"zz\"]\n"},
	{"group with an include", "dev", "pyproject.toml\n[dependency-groups]\nbase = [\"zz\"]\ndev = [\n    \"aa\",\n    {include-group = \"base\"}, # all of it\n]\n"},
	{"extra", "gui", "pyproject.toml\n[project]\nname = \"x\"\n[project.optional-dependencies]\nGui = [\"aa\"] # windows\n"},
	{"strings with brackets", "", "pyproject.toml\n[project]\ndescription = \"\"\"]\n[project]\ndependencies = [\"no\"]\n\"\"\"\ndependencies = [\"aa[x,y]>=1 # no comment\", 'zz']\n"},
	{"requirements file", "", "requirements.in\n# head\naa>=1 \\\n  ,<2  # why\n\n-c bounds.txt\nzz\n"},
	{"requirements file, crlf, no end", "", "requirements.in\naa\r\nzz # last"},
	{"requirements file, mark", "", "requirements.in\n\xef\xbb\xbfaa\nzz\n"},
	{"requirements file, hashes", "", "requirements.in\naa==1 \\\n    --hash=sha256:" + strings.Repeat("a", 64) + "\n    # via zz\nzz\n"},
}

func TestLayouts(t *testing.T) {
	for _, tt := range layouts {
		for _, req := range []string{"mm>=2", `ab[e]; python_version < "3.9" and os_name == 'nt'`, "zzz", "own @ https://files.example/own-1.0.zip#sha256=00 ; os_name == \"nt\""} {
			p := open(t, tt.file, "bounds.txt\nzz<9\n")
			file, _, _ := strings.Cut(tt.file, "\n")
			before := p.files[file]
			want := append([]string{}, requirements(p, tt.group)...)
			edits, err := p.AddRequirement(req, tt.group)
			if err != nil {
				t.Errorf("%s: adding %s: %v", tt.name, req, err)
				continue
			}
			if len(edits) != 1 {
				t.Fatalf("%s: %d files", tt.name, len(edits))
			}
			after := edits[0].Data
			// Every byte that was there is there still, around one insertion. (A
			// comma behind the last element is a second one.)
			if n := kept(before, after); n < len(before) && !strings.Contains(tt.name, "many lines") {
				t.Errorf("%s: adding %s kept %d of %d bytes\n%q\n%q", tt.name, req, n, len(before), before, after)
			}
			q := apply(t, p)(edits, nil)
			got := requirements(q, tt.group)
			if !same(append(want, req), got) {
				t.Errorf("%s: %q", tt.name, got)
			}
			for _, line := range strings.Split(string(before), "\n") {
				if i := strings.IndexByte(line, '#'); i >= 0 && !strings.Contains(line, "no comment") && !bytes.Contains(after, []byte(strings.TrimRight(line[i:], "\r"))) {
					t.Errorf("%s: the comment %q is gone", tt.name, line)
				}
			}
			back := apply(t, q)(q.RemoveRequirement(nameOf(req)))
			if diff := cmp.Diff(string(before), string(back.files[file])); diff != "" && tt.name != "many lines" {
				t.Errorf("%s: adding and removing %s: %s", tt.name, req, diff)
			}
			if !same(want, requirements(back, tt.group)) {
				t.Errorf("%s: %q", tt.name, requirements(back, tt.group))
			}
		}
	}
}

func TestByteOrderMark(t *testing.T) {
	refused(t, 1, "byte order mark", "pyproject.toml\n\xef\xbb\xbf[project]\n")
}

// Replacing changes the requirement and nothing else.
func TestLayoutsReplace(t *testing.T) {
	for _, tt := range layouts {
		p := open(t, tt.file, "bounds.txt\nzz<9\n")
		file, _, _ := strings.Cut(tt.file, "\n")
		edits, err := p.AddRequirement("aa==7", tt.group)
		if err != nil || len(edits) != 1 {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if n := kept(p.files[file], edits[0].Data); n < bytes.Index(p.files[file], []byte("aa")) {
			t.Errorf("%s: %q", tt.name, edits[0].Data)
		}
		q := apply(t, p)(edits, nil)
		if len(requirements(q, tt.group)) != len(requirements(p, tt.group)) {
			t.Errorf("%s: %q", tt.name, requirements(q, tt.group))
		}
	}
}

func requirements(p *Project, group string) (list []string) {
	for _, in := range p.Inputs {
		if in.Group == group {
			list = append(list, in.Requirement)
		}
	}
	return list
}

// same compares without order.
func same(a, b []string) bool {
	count := map[string]int{}
	for _, s := range a {
		count[s]++
	}
	for _, s := range b {
		count[s]--
	}
	for _, n := range count {
		if n != 0 {
			return false
		}
	}
	return true
}

// kept is how many bytes of a stand at the beginning and at the end of b.
func kept(a, b []byte) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	j := 0
	for j < len(a)-i && j < len(b)-i && a[len(a)-1-j] == b[len(b)-1-j] {
		j++
	}
	return i + j
}

// What other tools read out of their own tables is not left out silently, and
// the project's own name is never asked of an index.
func TestOtherTools(t *testing.T) {
	refused(t, 3, `"requests @ git+https://git.example/x@v1"`, "pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"requests\"]\n[tool.uv.sources]\nrequests = { git = \"https://git.example/x\", tag = \"v1\" }\n")
	refused(t, 3, `"one @ file:../one"`, "pyproject.toml\n[project]\nname = \"a\"\ndependencies = [\"one>=1\"]\n[tool.uv.sources]\none = { path = \"../one\", editable = true }\n")
	refused(t, 4, "only poetry reads", "pyproject.toml\n[project]\nname = \"a\"\n[tool.poetry]\n[tool.poetry.dependencies]\nrequests = \"*\"\n")
	p := open(t, "pyproject.toml\n[project]\nname = \"My_App\"\nversion = \"1\"\ndependencies = [\"my-app[x]; os_name == 'nt'\"]\n[project.optional-dependencies]\nx = [\"six\", \"idna; python_version < '3.9'\"]\n[dependency-groups]\ndev = [\"my.app[x]\", \"my-app\", \"pytest\"]\n")
	if diff := cmp.Diff([]string{"six ; os_name == 'nt'", "idna ; (python_version < '3.9') and (os_name == 'nt')"}, requirements(p, "")); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"six", "idna; python_version < '3.9'", "pytest"}, requirements(p, "dev")); diff != "" {
		t.Error(diff)
	}
}
