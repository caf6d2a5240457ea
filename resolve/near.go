package resolve

import (
	"slices"

	"github.com/freedomofpress/wheellock/resolve/pep508"
)

// modules are projects whose name is not the one that their code is imported
// by, or that people say for short: what is most often asked for in vain.
var modules = map[string]string{
	"attr": "attrs", "bs4": "beautifulsoup4", "crypto": "pycryptodome", "cv2": "opencv-python",
	"dateutil": "python-dateutil", "dns": "dnspython", "docx": "python-docx", "dotenv": "python-dotenv",
	"fitz": "pymupdf", "git": "gitpython", "gnupg": "python-gnupg", "google-protobuf": "protobuf",
	"jose": "python-jose", "jwt": "pyjwt", "ldap": "python-ldap", "magic": "python-magic",
	"mysqldb": "mysqlclient", "openssl": "pyopenssl", "pil": "pillow", "pkg-resources": "setuptools",
	"pptx": "python-pptx", "qt5": "pyqt5", "serial": "pyserial", "skimage": "scikit-image",
	"sklearn": "scikit-learn", "slugify": "python-slugify", "socks": "pysocks", "usb": "pyusb",
	"wx": "wxpython", "xdg": "pyxdg", "yaml": "pyyaml", "zmq": "pyzmq",
}

// known are names that a slip of the fingers is compared with, beside those of
// the request. No index is asked: a name that is near a name and is there may
// be just what an attacker put there.
var known = []string{
	"aiohttp", "alembic", "ansible", "babel", "black", "boto3", "botocore", "celery", "certifi", "cffi", "chardet",
	"charset-normalizer", "click", "colorama", "coverage", "cryptography", "cython", "django", "docutils", "fastapi",
	"flask", "gevent", "greenlet", "gunicorn", "httpx", "hypothesis", "idna", "jinja2", "jsonschema", "keyring",
	"lxml", "markdown", "markupsafe", "matplotlib", "mypy", "numpy", "oauthlib", "packaging", "pandas", "paramiko",
	"pillow", "poetry", "protobuf", "psutil", "psycopg2", "pyasn1", "pycparser", "pydantic", "pygments", "pyinstaller",
	"pylint", "pynacl", "pyopenssl", "pyparsing", "pyqt5", "pytest", "python-dateutil", "pytz", "pyyaml", "redis",
	"requests", "rich", "scipy", "selenium", "sentry-sdk", "setuptools", "six", "sphinx", "sqlalchemy", "tensorflow",
	"tornado", "tox", "tqdm", "twisted", "typing-extensions", "urllib3", "uvicorn", "virtualenv", "werkzeug", "wheel",
}

// nearNames are what may have been meant by names that the index does not
// have: three at most.
func nearNames(missing []string, roots []*need) []string {
	names := slices.Clone(known)
	for _, n := range roots {
		names = append(names, n.name)
	}
	var near []string
	for _, m := range missing {
		if full := modules[pep508.NormalizeName(m)]; full != "" {
			near = append(near, full)
		}
		for _, n := range names {
			if n != m && !slices.Contains(missing, n) && slip(m, n) {
				near = append(near, n)
			}
		}
	}
	slices.Sort(near)
	near = slices.Compact(near)
	return near[:min(len(near), 3)]
}

// slip reports whether a and b are one letter apart (added, dropped, changed,
// or changed places), or two in long names.
func slip(a, b string) bool {
	most := 1
	switch {
	case len(a) > 64 || min(len(a), len(b)) < 4:
		return false
	case len(a) > 7:
		most = 2
	}
	if d := len(a) - len(b); d > most || -d > most {
		return false
	}
	// Optimal string alignment; rows i-2, i-1 and i.
	rows := [3][]int{}
	for k := range rows {
		rows[k] = make([]int, len(b)+1)
	}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		rows[2][0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(rows[1][j]+1, rows[2][j-1]+1, rows[1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, rows[0][j-2]+1)
			}
			rows[2][j] = d
		}
		rows[0], rows[1], rows[2] = rows[1], rows[2], rows[0]
	}
	return rows[1][len(b)] <= most
}
