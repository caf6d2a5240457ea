package archive

// Scheme says where the parts of a wheel go (PEP 427, sysconfig's paths).
type Scheme struct {
	Purelib     string // site-packages for pure wheels
	Platlib     string // site-packages for native ones; "": as Purelib
	Scripts     string // bin
	Headers     string // include/site/pythonX.Y/NAME; "": Data/include
	Data        string // the environment's prefix
	Interpreter string // absolute path for "#!" of scripts
}

// Install unpacks the wheel at path into an environment, without pip: RECORD
// is checked first, entry points become scripts. It overwrites nothing: a file
// that is there already is an error.
func Install(path string, s Scheme) error { return errUnwritten }
