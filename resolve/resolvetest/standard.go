package resolvetest

import _ "embed"

//go:embed standard.txt
var standard string

// Standard returns an invented ecosystem in the shape of the real one:
// standard.txt beside this file says what is in it. "courier" is the usual
// first request (four or five dependencies, one of them native; an old target
// holds three back), "tango" and "foxtrot" conflict, "handmade" and "antique"
// are sources only, "sealed" is a wheel only, "driftwood" was published other
// than it builds, "noisy" and its neighbours build badly.
func Standard() Universe { return MustParse(standard) }
