package interop

import (
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	xnote "golang.org/x/mod/sumdb/note"

	"github.com/freedomofpress/wheellock/sumdb/note"
	"github.com/freedomofpress/wheellock/sumdb/policy"
	"github.com/freedomofpress/wheellock/sumdb/store"
	"github.com/freedomofpress/wheellock/sumdb/sumdbtest"
	"github.com/freedomofpress/wheellock/sumdb/tile"
	"github.com/freedomofpress/wheellock/sumdb/witness"
)

// A log that Tessera writes asks our witnesses, by Tessera's own client: two must
// cosign before it publishes anything. Our reader counts them.
func TestTesseraAsksOurWitnesses(t *testing.T) {
	skey, vkey, err := xnote.GenerateKey(nil, "tessera.example")
	if err != nil {
		t.Fatal(err)
	}
	key, err := note.NewVerifier(vkey)
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("log %s\n", vkey)
	for i := range 2 {
		c := &note.Cosigner{Key: sumdbtest.Key(t, fmt.Sprintf("w%d.example", i)), Now: func() int64 { return time.Now().Unix() }}
		s, err := witness.NewServer(t.TempDir(), c, witness.Log{Origin: key.Name(), Keys: []note.Verifier{key}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
		web := httptest.NewServer(s)
		t.Cleanup(web.Close)
		text += fmt.Sprintf("witness w%d %s %s\n", i, c.Verifier(), web.URL)
	}
	text += "group both all w0 w1\nquorum both\n"
	ours, err := policy.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := tessera.NewWitnessGroupFromPolicy([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	driver, err := posix.New(t.Context(), posix.Config{Path: dir})
	if err != nil {
		t.Fatal(err)
	}
	signer, err := xnote.NewSigner(skey)
	if err != nil {
		t.Fatal(err)
	}
	o := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithBatching(16, 10*time.Millisecond).
		WithCheckpointInterval(100*time.Millisecond).WithWitnesses(theirs, nil)
	appender, stop, reader, err := tessera.NewAppender(t.Context(), driver, o)
	if err != nil {
		t.Fatal(err)
	}
	await := tessera.NewPublicationAwaiter(t.Context(), reader.ReadCheckpoint, 10*time.Millisecond)
	for i := range 5 { // a checkpoint each: their proofs of consistency are asked for, too
		if _, _, err := await.Await(t.Context(), appender.Add(t.Context(), tessera.NewEntry(fmt.Appendf(nil, "entry %d", i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	msg, err := store.Folder(dir).ReadFile(t.Context(), store.CheckpointPath, tile.MaxCheckpoint)
	if err != nil {
		t.Fatal(err)
	}
	c, seen, err := ours.Check(msg)
	if err != nil || c.Size != 5 || len(seen) != 2 {
		t.Errorf("size %d, %d witnesses, %v", c.Size, len(seen), err)
	}
}
