package resolve

import (
	"context"
	"errors"
)

// Resolve solves the request for each of its targets. Its errors are
// *ConflictError, *UnknownMetadataError, *RequestError, the source's own
// (wrapped), and the context's.
func Resolve(ctx context.Context, src Source, req Request) (*Solution, error) {
	return nil, errors.New("unwritten")
}
