package fsck

// CheckWith is Check with a reader that a test has put in.
var CheckWith = checkWith
