package verify

import (
	"context"
	"testing"
)

func BenchmarkVerifySmall(b *testing.B) {
	w := newWorld(b)
	in := w.input()
	for b.Loop() {
		if _, err := Verify(context.Background(), in); err != nil {
			b.Fatal(err)
		}
	}
}
