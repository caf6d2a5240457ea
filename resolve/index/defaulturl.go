package index

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Env is what DefaultURL may look at.
type Env struct {
	Getenv func(string) string
	Home   string // the user's home folder; "" if there is none
	// ReadFile reads a configuration file; nil means os.ReadFile.
	ReadFile func(path string) ([]byte, error)
	// Run runs a program and returns its standard output.
	Run func(ctx context.Context, name string, args ...string) ([]byte, error)
}

func (e Env) withDefaults() Env {
	if e.ReadFile == nil {
		e.ReadFile = os.ReadFile
	}
	if e.Getenv == nil {
		e.Getenv = func(string) string { return "" }
	}
	return e
}

// NoIndexError says that nothing on this machine names an index.
type NoIndexError struct{ Tried string }

func (e *NoIndexError) Error() string { return "no package index is configured: " + e.Tried }

// Hint says what to try next.
func (e *NoIndexError) Hint() string {
	return "name the index with --index-url, or set WHEELLOCK_INDEX_URL"
}

// DefaultURL finds the index that this user's tools use. In order:
// WHEELLOCK_INDEX_URL, UV_DEFAULT_INDEX, UV_INDEX_URL, PIP_INDEX_URL, pip's
// configuration files, and at last what pip itself names as its default, from
// its help text. So no address of a public index need stand in this program,
// and behind a mirror the mirror is used without being told. The result may
// hold user information; the last step takes a second, so callers cache it.
func DefaultURL(ctx context.Context, env Env) (string, error) {
	env = env.withDefaults()
	for _, name := range []string{"WHEELLOCK_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"} {
		value := strings.TrimSpace(env.Getenv(name))
		if name == "UV_DEFAULT_INDEX" {
			value = withoutIndexName(value)
		}
		if value != "" {
			return checkIndexURL(name, value)
		}
	}
	if lines, file := pipConf(env, "index-url"); len(lines) > 0 {
		return checkIndexURL(file, lines[0])
	}
	return pipDefault(ctx, env)
}

var indexName = regexp.MustCompile(`^[A-Za-z0-9._-]+=`)

// withoutIndexName drops NAME= of uv's NAME=URL.
func withoutIndexName(s string) string {
	return s[len(indexName.FindString(s)):]
}

func checkIndexURL(from, value string) (string, error) {
	if !strings.Contains(value, "://") && filepath.IsAbs(value) {
		return value, nil
	}
	u, err := url.Parse(value)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http" || u.Host == "") && u.Scheme != "file" {
		return "", fmt.Errorf("index address in %s: want https://HOST/PATH, got %q", from, Redact(value))
	}
	return value, nil
}

// pipDefault asks pip itself; the first command that answers counts.
func pipDefault(ctx context.Context, env Env) (string, error) {
	if env.Run == nil {
		return "", &NoIndexError{"pip was not asked"}
	}
	var failures []string
	for _, argv := range [][]string{
		{"python3", "-m", "pip", "help", "download"},
		{"python", "-m", "pip", "help", "download"},
		{"pip3", "help", "download"},
		{"pip", "help", "download"},
	} {
		out, err := env.Run(ctx, argv[0], argv[1:]...)
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", strings.Join(argv, " "), err))
			continue
		}
		value, err := parsePipHelp(string(out))
		if err != nil {
			failures = append(failures, fmt.Sprintf("%s: %v", strings.Join(argv, " "), err))
			continue
		}
		return checkIndexURL("pip's help", value)
	}
	return "", &NoIndexError{strings.Join(failures, "; ")}
}

// parsePipHelp finds "(default ADDRESS)" in the help of --index-url. pip wraps
// its text to the width of the terminal, even in the middle of an address, so
// all white space inside the parentheses is taken out.
//
//	-i, --index-url <url>       Base URL of the Python Package Index (default
//	                            https://index.example/simple). This should ...
func parsePipHelp(text string) (string, error) {
	i := strings.Index(text, "--index-url <url>")
	if i < 0 {
		return "", errors.New("no --index-url in its help")
	}
	text = text[i+len("--index-url <url>"):]
	if end := strings.Index(text, "\n  --"); end >= 0 { // the next option
		text = text[:end]
	}
	_, text, found := strings.Cut(text, "(default")
	value, _, closed := strings.Cut(text, ")")
	value = strings.TrimPrefix(strings.Join(strings.Fields(value), ""), ":")
	if !found || !closed || value == "" {
		return "", errors.New("its help names no default index")
	}
	return value, nil
}
