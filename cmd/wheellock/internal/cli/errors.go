package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/freedomofpress/wheellock/cmd/wheellock/internal/term"
	"github.com/freedomofpress/wheellock/internal/durable"
	"github.com/freedomofpress/wheellock/lock"
	"github.com/freedomofpress/wheellock/lock/foreign"
	"github.com/freedomofpress/wheellock/lock/pyproject"
	"github.com/freedomofpress/wheellock/provenance/build"
	"github.com/freedomofpress/wheellock/resolve"
	"github.com/freedomofpress/wheellock/resolve/index"
	"github.com/freedomofpress/wheellock/resolve/pep508"
	"github.com/freedomofpress/wheellock/resolve/tags"
	"github.com/freedomofpress/wheellock/sumdb/log"
	"github.com/freedomofpress/wheellock/sumdb/trust"
)

// The exit codes.
const (
	Done        = 0
	Finding     = 1   // lock out of date, no solution, verification failed, work outstanding
	Usage       = 2   // wrong usage or invalid input
	Environment = 3   // index unreachable or broken, no sandbox, no interpreter, disk full
	Interrupted = 130 //
)

// Error is an error with its exit code and the next thing to try.
type Error struct {
	Code int
	Msg  string
	Hint string
	Err  error // what it is about, may be nil
	// Shown is set when the report on stdout already says everything; then
	// nothing is printed.
	Shown bool
}

func (e *Error) Error() string { return e.Msg }
func (e *Error) Unwrap() error { return e.Err }

func usage(format string, args ...any) error {
	return &Error{Code: Usage, Msg: fmt.Sprintf(format, args...), Hint: "wheellock --help"}
}

func finding(hint, format string, args ...any) error {
	return &Error{Code: Finding, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

func environment(hint, format string, args ...any) error {
	return &Error{Code: Environment, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

func invalid(hint, format string, args ...any) error {
	return &Error{Code: Usage, Msg: fmt.Sprintf(format, args...), Hint: hint}
}

// fail prints err and returns its exit code.
func (a *app) fail(err error) int {
	if err == nil {
		return Done
	}
	e := classify(err)
	if e.Shown {
		return e.Code
	}
	_ = a.prepare() // a wrong command or argument is found before it has run
	msg := term.Clean(shorten(e.Msg))
	fmt.Fprintf(a.Err, "%s %s\n", a.errStyle.Paint(term.Bad, "wheellock:"), msg)
	if e.Hint != "" {
		fmt.Fprintf(a.Err, "%s %s\n", a.errStyle.Paint(term.Faint, "hint:"), term.Clean(e.Hint))
	}
	if a.json && !a.printed {
		enc := json.NewEncoder(a.Out)
		enc.SetEscapeHTML(false)
		enc.SetIndent("", "  ")
		out := map[string]any{"exit": e.Code, "message": e.Msg, "hint": e.Hint}
		if c := conflictJSON(err); c != nil {
			out["conflict"] = c
		}
		enc.Encode(map[string]any{"error": out})
	}
	return e.Code
}

// maxMessage keeps a message readable whatever it quotes.
const maxMessage = 8000

func shorten(msg string) string {
	if len(msg) <= maxMessage {
		return msg
	}
	return strings.ToValidUTF8(msg[:maxMessage], "") + " ..."
}

// classify is the one table from errors to exit codes.
func classify(err error) *Error {
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	e = &Error{Code: Finding, Msg: err.Error(), Err: err}
	for _, row := range table {
		if row(err, e) {
			return e
		}
	}
	// cobra's own complaints about commands and flags have no type.
	if strings.HasPrefix(e.Msg, "unknown command") || strings.HasPrefix(e.Msg, "required flag") {
		e.Code, e.Hint = Usage, "wheellock --help"
	}
	return e
}

// table: each row recognises one kind of error and fills in code and hint.
var table = []func(error, *Error) bool{
	witnessError,
	trustError,
	systemError,
	libraryHint,
	func(err error, e *Error) bool {
		var x *pyproject.Error
		if !errors.As(err, &x) {
			return false
		}
		e.Code, e.Hint = Usage, x.Hint
		return true
	},
	func(err error, e *Error) bool {
		var x *foreign.Error
		if !errors.As(err, &x) {
			return false
		}
		e.Code, e.Hint = Usage, x.Hint
		return true
	},
	func(err error, e *Error) bool {
		var x *pyproject.NotFoundError
		if !errors.As(err, &x) {
			return false
		}
		e.Code = Usage
		e.Hint = "wheellock tree shows what is required here"
		if x.Kind == "target" {
			e.Hint = "wheellock target shows those that are declared"
		}
		if len(x.Near) > 0 {
			e.Hint = "did you mean: " + strings.Join(x.Near, ", ")
		}
		return true
	},
	func(err error, e *Error) bool {
		var x *lock.Error
		if !errors.As(err, &x) {
			return false
		}
		e.Code, e.Hint = Usage, x.Hint
		return true
	},
	func(err error, e *Error) bool {
		if !errors.As(err, new(*lock.ConflictError)) && !errors.As(err, new(*lock.TooManyVariantsError)) {
			return false
		}
		e.Code = Usage // the library's hint stays
		return true
	},
	func(err error, e *Error) bool {
		var x *tags.UnknownTargetError
		if !errors.As(err, &x) {
			return false
		}
		e.Code = Usage
		if e.Hint == "" {
			e.Hint = "every known name: wheellock target list --all"
		}
		return true
	},
	func(err error, e *Error) bool {
		var x *resolve.RequestError
		if !errors.As(err, &x) {
			return false
		}
		e.Code = Usage
		if e.Hint == "" {
			e.Hint = "write names and versions there; what comes from an address is required by it in the inputs"
		}
		return true
	},
	func(err error, e *Error) bool {
		var x *pep508.SyntaxError
		if !errors.As(err, &x) {
			return false
		}
		e.Code, e.Hint = Usage, "a requirement looks like: requests>=2.31"
		return true
	},
	indexError,
	placeError,
	func(err error, e *Error) bool {
		var x *log.StateError
		if !errors.As(err, &x) {
			return false
		}
		e.Hint = "bring the newest wheelhouse here (git pull); if this is the newest, somebody changed it: compare with another copy"
		if errors.Is(err, log.ErrNoMark) {
			e.Code, e.Hint = Environment, "append where the log's key has been used before, or show it how far the mirror is: wheellock log recover --published ADDRESS"
		}
		return true
	},
	func(err error, e *Error) bool {
		if !errors.Is(err, durable.ErrLocked) {
			return false
		}
		e.Code, e.Msg = Environment, "another wheellock command is at work in this project"
		e.Hint = "wait until it has ended and run the same command again"
		return true
	},
}

// placeError: what this machine lacks. The library's hint names the remedy.
func placeError(err error, e *Error) bool {
	if errors.As(err, new(*build.SandboxError)) || errors.As(err, new(*build.NoPlaceError)) || errors.As(err, new(*build.TreeError)) ||
		errors.As(err, new(*index.CacheError)) || errors.As(err, new(*index.NoIndexError)) {
		e.Code = Environment
		return true
	}
	return false
}

func indexError(err error, e *Error) bool {
	var (
		missing *index.NotFoundError
		down    *index.UnavailableError
		page    *index.PageError
		hash    *index.HashError
		stall   *index.StallError
		short   *index.TruncatedError
		route   *index.RouteError
	)
	switch {
	case errors.As(err, &hash):
		e.Code, e.Hint = Finding, "the file is not what the lock or the index says: do not use it; tell whoever runs the index"
	case errors.As(err, &missing):
		e.Code, e.Hint = Finding, "check the spelling, or name another index with --index-url"
	case errors.As(err, &stall), errors.As(err, &short), errors.As(err, &page):
		e.Code, e.Hint = Environment, "run the same command again, or name another index with --index-url"
	case errors.As(err, &down):
		e.Code = Environment // the library's hint knows what was refused
		var elsewhere *index.ElsewhereError
		if !down.Refused() && !errors.As(err, &elsewhere) {
			e.Hint = "check the network, or name another index with --index-url"
			if down.Index != "" {
				e.Hint = "check the network, and the address of the index " + down.Index + " in the configuration"
			}
		}
		if errors.Is(err, index.ErrOffline) {
			e.Hint = "run it once without --offline"
		}
	case errors.As(err, &route):
		e.Code, e.Hint = Usage, route.Hint()
	default:
		return false
	}
	return true
}

func systemError(err error, e *Error) bool {
	switch {
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		e.Code, e.Hint = Environment, "the disk is full: make room and run the same command again; nothing was half written"
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		e.Code, e.Hint = Environment, "check who owns the folder and whether it can be written"
	case errors.Is(err, syscall.EIO), errors.Is(err, syscall.ESTALE):
		e.Code, e.Hint = Environment, "the disk or the share that it is on does not answer rightly: see the system's log (dmesg), then run the same command again; nothing was half written"
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE), errors.Is(err, syscall.ENOMEM):
		e.Code, e.Hint = Environment, "this machine allows no more open files or memory: see ulimit -a, then run the same command again"
	default:
		return false
	}
	return true
}

// hinter is what library errors may offer: the next thing to try. The library
// knows it best.
type hinter interface{ Hint() string }

func libraryHint(err error, e *Error) bool {
	var h hinter
	if !errors.As(err, &h) {
		return false
	}
	e.Hint = h.Hint()
	return false
}

// trustError: keys and roots.
func trustError(err error, e *Error) bool {
	var x *trust.Error
	switch {
	case errors.Is(err, trust.ErrPassphrase):
		e.Code, e.Hint = Usage, "type it again, or name a file that holds it in "+passphraseFile
	case errors.Is(err, trust.ErrPermissions):
		e.Code = Environment
	case errors.Is(err, trust.ErrClock):
		e.Code, e.Hint = Environment, "set the clock of this machine (date), then run the same command again"
	case errors.Is(err, trust.ErrStale):
		e.Hint = "another root came first: prepare it again, in an empty folder, and have it signed anew"
	case errors.Is(err, trust.ErrExpired):
		e.Hint = "whoever holds the root runs: wheellock keys renew"
	case errors.As(err, &x) && strings.HasSuffix(x.Part, ".key"):
		e.Code, e.Hint = Environment, "restore the file from a copy; without one: wheellock keys rotate ROLE --lost"
	case errors.As(err, &x) && strings.HasPrefix(x.Part, "root"):
		e.Hint = "somebody changed the roots in the wheelhouse: git log -- wheelhouse/log/root; restore them, or ask who keeps the root"
	default:
		return false
	}
	return true
}
