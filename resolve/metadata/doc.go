// Package metadata reads what a Python package says of itself: its name and
// version, what it requires, and how it is built.
//
// # Core metadata
//
// METADATA in a wheel and PKG-INFO in an sdist have the format of an e-mail
// message, which Python's own email module defines more than any RFC:
//
//	Metadata-Version: 2.1
//	Name: requests
//	Version: 2.32.4
//	Requires-Python: >=3.8
//	Requires-Dist: charset_normalizer<4,>=2
//	Requires-Dist: PySocks!=1.5.7,>=1.5.6; extra == "socks"
//	Provides-Extra: socks
//
//	# Requests
//	...
//
// Headers end at the first empty line, or at the first line that is no header.
// A line that begins with a space or tab continues the one before. Names of
// fields are compared without case. The rest, the description, is not kept.
//
// [Parse] is strict about name and version, since everything hangs on them, and
// otherwise as lenient as pip is:
//
//   - a Requires-Dist that is no requirement does not make the file unreadable.
//     pip refuses such a version, saying why, and so can a caller: see
//     [Metadata.Err].
//   - a Requires-Python that is no specifier (">=3.6.*") counts as none: see
//     [Metadata.PythonSpecifiers].
//
// # What a source archive can promise
//
// Before Metadata 2.2 (PEP 643) PKG-INFO said nothing reliable about
// dependencies: one without Requires-Dist may well come from a setup.py that
// adds some. [Sdist.Static] therefore takes, in this order, PKG-INFO of version
// 2.2 or later that does not declare the fields dynamic, then a [project] table
// (PEP 621) that does not; otherwise only a build can tell.
//
// [ParseBuildSystem] gives what has to be installed to build it, and which
// backend to call (PEP 517, PEP 518).
package metadata
