// Package vcs makes a source distribution of a commit, the same bytes for the
// same commit on every machine, so that whatever is done with sources (review,
// build, statements, mirror) is done with a file that has a hash.
//
// # What is trusted
//
// Only the commit's id. Git fetches objects; they are then read back one by
// one, and each object's id is computed here from its bytes, from the commit to
// its trees to its files. So neither a server, nor a damaged cache, nor a
// replaced object can bring in anything else. (An id of 40 digits is a SHA-1:
// git itself refuses the known ways to make two objects of one id.) The lock
// then holds the SHA-256 of the file that is made.
//
// Git runs without the user's and the system's configuration, without hooks,
// filters, prompts and submodules, and only over https, ssh, file, and http to
// this machine. Logins come from ~/.netrc, an ssh agent and ~/.ssh.
//
// # The file
//
// NAME-VERSION.tar.gz holds the tree of the commit, or of the subdirectory,
// below NAME-VERSION/: files and symbolic links sorted by name as bytes, owner
// and group 0, mode 0644, 0755 or 0777 (links), time of the commit. Nothing is
// converted: no line ends, no export-subst, no Git LFS. Submodules are empty.
// Where the tree has no PKG-INFO, the file gets one with name and version only
// (metadata 2.1, which says nothing of requirements): it makes the archive an
// sdist, and from it the backends that else ask git for the version know it.
// The compressor is pinned: gzip with stored blocks of 65,535 bytes.
package vcs
