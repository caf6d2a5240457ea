package recipe

import "maps"

// switches are the environment variables by which well-known projects decide
// whether native code is built, where the plain build of the source is not what
// they publish or rests on what the machine has. Which way the publisher's stood
// is read off the tags of the wheel. Each was read in the project's own build files;
// docs/builds.md has the table for people.
var switches = map[string]struct{ native, pure map[string]string }{
	"aiohttp":            {pure: env("AIOHTTP_NO_EXTENSIONS", "1")},
	"black":              {native: env("HATCH_BUILD_HOOKS_ENABLE", "1")},
	"charset-normalizer": {native: env("CHARSET_NORMALIZER_USE_CYTHON", "1", "CHARSET_NORMALIZER_USE_MYPYC", "1")},
	"coverage":           {pure: env("COVERAGE_DISABLE_EXTENSION", "1")},
	"frozenlist":         {pure: env("FROZENLIST_NO_EXTENSIONS", "1")},
	"lazy-object-proxy":  {pure: env("SETUPPY_FORCE_PURE", "1")},
	"msgpack":            {pure: env("MSGPACK_PUREPYTHON", "1")},
	"multidict":          {pure: env("MULTIDICT_NO_EXTENSIONS", "1")},
	"mypy":               {native: env("MYPY_USE_MYPYC", "1")},
	"peewee":             {pure: env("NO_SQLITE", "1")},
	"propcache":          {pure: env("PROPCACHE_NO_EXTENSIONS", "1")},
	"pyrsistent":         {pure: env("PYRSISTENT_SKIP_EXTENSION", "1")},
	"pyyaml":             {native: env("PYYAML_FORCE_LIBYAML", "1")},
	"simplejson":         {native: env("REQUIRE_SPEEDUPS", "1"), pure: env("DISABLE_SPEEDUPS", "1")},
	"sqlalchemy":         {native: env("REQUIRE_SQLALCHEMY_CEXT", "1"), pure: env("DISABLE_SQLALCHEMY_CEXT", "1")},
	"tornado":            {native: env("TORNADO_EXTENSION", "1"), pure: env("TORNADO_EXTENSION", "0")},
	"websockets":         {native: env("BUILD_EXTENSION", "yes"), pure: env("BUILD_EXTENSION", "no")},
	"wrapt":              {native: env("WRAPT_INSTALL_EXTENSIONS", "true"), pure: env("WRAPT_INSTALL_EXTENSIONS", "false")},
	"yarl":               {pure: env("YARL_NO_EXTENSIONS", "1")},
}

func env(pairs ...string) map[string]string {
	m := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = pairs[i+1]
	}
	return m
}

// switched is the environment that the published wheel says a package was built
// with; nil where there is none, or no switch.
func switched(m *material) map[string]string {
	if len(m.published) == 0 {
		return nil
	}
	s := switches[m.pkg.Name]
	if native(m.published[0].Name) {
		return maps.Clone(s.native)
	}
	return maps.Clone(s.pure)
}
