// Package tags answers one question: which of a project's files would pip
// install in a given Python environment, the target, and why not the others.
//
// # Tags and file names
//
// A wheel's file name ends in a tag of three parts, which PEP 425 defines:
//
//	numpy-1.26.4-cp312-cp312-manylinux_2_17_x86_64.manylinux2014_x86_64.whl
//	NAME -VERSION-PYTHON-ABI -PLATFORM
//
// Each part may list alternatives with dots (a compressed set); the tags meant
// are all combinations, here two. An optional build tag, which begins with a
// digit, stands between version and Python tag (PEP 427). [ParseWheelName],
// [ParseSdistName] and [ParseTags] are as strict as packaging 26.3's functions
// of the same purpose.
//
// # What a target takes
//
// [Target.Tags] is the list that pip builds for an environment that it does not
// run in, best first:
//
//  1. for CPython: the interpreter with its own ABI, with the stable ABI (abi3;
//     abi3t for a free-threaded one), with no ABI; then each older interpreter
//     down to 3.2 with the stable ABI. For another implementation: its ABI and
//     none.
//  2. pyXY, py3, and the older pyXY, with no ABI;
//  3. the interpreter, pyXY, py3, and the older pyXY, on any platform.
//
// Points 1 and 2 run over the target's platforms, newest first:
//
//	manylinux_2_36_x86_64   glibc down to 2.5 on x86_64 and i686, else to 2.17;
//	                        manylinux2014, 2010, 1 follow 2_17, 2_12, 2_5 (PEP 600)
//	musllinux_1_2_x86_64    musl down to 1.0 (PEP 656)
//	linux_x86_64            last: wheels that were built on the spot
//	macosx_14_0_arm64       major versions down to 11, then 10.16 to 10.4, on arm64
//	                        only as universal2
//	win_amd64               nothing else
//
// So bookworm (CPython 3.11, glibc 2.36, x86_64) takes, among 914 tags:
//
//	  0 cp311-cp311-manylinux_2_36_x86_64
//	 35 cp311-cp311-linux_x86_64
//	 36 cp311-abi3-manylinux_2_36_x86_64
//	900 cp311-none-any
//	902 py3-none-any
//
// # Names of targets
//
// [Lookup] understands
//
//	bookworm  focal  alpine-3.20  macos  windows      a distribution's own Python
//	debian-12  ubuntu-22.04                           the same by number
//	manylinux_2_28-3.12  musllinux_1_2-3.13t          a libc and a Python
//	macos-3.12  windows-3.11                          an OS and a Python
//	3.12@manylinux_2_28_x86_64  pypy3.10@win_amd64    a Python and a whole platform
//	3.13t@bookworm  3.12@manylinux_2_28               the same, the platform by name
//	bookworm-arm64  manylinux_2_28-3.12-s390x         any of the first five, elsewhere
//
// for the architectures that the distribution has and Pythons that there are,
// and gives each target one spelling, which can name a folder.
package tags
