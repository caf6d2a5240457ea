package index

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// any reads a value into what encoding/json makes of it.
func (p *scanner) any(depth int) (any, error) {
	switch p.space() {
	case '{':
		m := map[string]any{}
		err := p.object(func(key string) (err error) {
			m[key], err = p.any(depth + 1)
			return err
		})
		return m, err
	case '[':
		list := []any{}
		err := p.array(func() error {
			v, err := p.any(depth + 1)
			list = append(list, v)
			return err
		})
		return list, err
	case '"':
		return p.str()
	}
	switch w, _ := p.word(); w {
	case "true":
		return true, nil
	case "false":
		return false, nil
	case "null":
		return nil, nil
	}
	n, err := p.number()
	return json.Number(n), err
}

var scanCases = []string{
	`{}`, `[]`, ` [ 1 , -0 , 2.5e+10 , 0.1 , 1E3 ] `, `{"a":{"b":[true,false,null]}}`, `"a\"b\\c\/\b\f\n\r\tä\u00e4\ud83d\ude00"`,
	`[1,]`, `{"a":1,}`, `{"a" 1}`, `{a:1}`, `[01]`, `[1.]`, `[.5]`, `[+1]`, `[1e]`, `[-]`, `"\x"`, `"\ud800"`, `"\ud800\u0041"`, `"\u12g4"`, `"\u+123"`,
	"\"tab\there\"", `"open`, `[`, `{`, `tru`, `nul`, `[1] 2`, ``, ` `, `"\`, `"\u`, "\"\xff\"", "\"a\\n\xff\"", `[NaN]`, `{"a":1 "b":2}`, "\ufeff{}", `[1 2]`,
	`{"":0}`, `"\u0000"`, `[[[[]]]]`, `""`, `truefalse`, `"é\n"`,
}

// agree fails the test unless scanner and encoding/json judge a text alike.
func agree(t *testing.T, text string) {
	t.Helper()
	p := &scanner{s: text}
	got, err := p.any(0)
	if err == nil {
		err = p.end()
	}
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var want any
	wantErr := d.Decode(&want)
	if wantErr == nil && d.More() {
		wantErr = errTable
	}
	if !json.Valid([]byte(text)) {
		wantErr = errTable
	}
	// encoding/json replaces what is not Unicode; we refuse it.
	if err != nil && (strings.Contains(err.Error(), "UTF-8") || strings.Contains(err.Error(), "surrogate")) {
		return
	}
	if (err == nil) != (wantErr == nil) {
		t.Fatalf("%q: got %v, encoding/json says %v", text, err, wantErr)
	}
	if err == nil && !reflect.DeepEqual(got, want) {
		t.Fatalf("%q: got %#v, want %#v", text, got, want)
	}
	s := &scanner{s: text}
	if skipped := s.skip(0); (skipped == nil) != (err == nil) && s.end() == nil {
		t.Fatalf("%q: skip says %v", text, skipped)
	}
}

func TestScanner(t *testing.T) {
	for _, text := range scanCases {
		agree(t, text)
	}
	for _, text := range []string{`"\ud800"`, `"\udc00\ud800"`, `"\ud800\u0041"`, "\"\xff\"", "\"\\n\xff\""} {
		if s, err := (&scanner{s: text}).str(); err == nil {
			t.Errorf("%q was read as %q", text, s)
		}
	}
	deep := strings.Repeat("[", 100) + strings.Repeat("]", 100)
	if err := (&scanner{s: deep}).skip(0); err == nil {
		t.Error("a hundred nested arrays were skipped")
	}
}

func FuzzScanner(f *testing.F) {
	for _, text := range scanCases {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.Count(text, "[")+strings.Count(text, "{") < maxDepth {
			agree(t, text)
		}
	})
}
