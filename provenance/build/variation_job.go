package build

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/freedomofpress/wheellock/lock"
)

// Variations are what a recipe leaves open and can be varied where it is built (a
// [Result.Place], "" for this machine), and with a reason each, what is not
// varied. The recipe fixes the path, the umask and what its env sets; its source
// fixes the files' times.
func (b *Builder) Variations(ctx context.Context, rec *lock.Recipe, place string) (Variations, []NotVaried) {
	set := AllVariations
	var not []NotVaried
	leave := func(v Variations, why string) {
		if set.Has(v) {
			set &^= v
			not = append(not, NotVaried{Name: v.String(), Why: why})
		}
	}
	leave(VaryPath, "the recipe fixes it")
	leave(VaryUmask, "the recipe fixes it")
	leave(VaryFileTimes, "the source fixes them")
	if rec.Epoch == nil {
		// Zip members then get their files' times, in local time.
		leave(VaryZone, "without an epoch it is part of what the recipe fixes")
	}
	for name, v := range map[string]Variations{
		"TZ": VaryZone, "LANG": VaryLocale, "LC_ALL": VaryLocale, "PYTHONHASHSEED": VaryHashSeed, "HOME": VaryHome,
	} {
		if _, ok := rec.Env[name]; ok {
			leave(v, "the recipe's env fixes it")
		}
	}
	if place != "" && place != thisMachine {
		leave(VaryTime, "no libfaketime of this machine fits there")
		leave(VaryLocale, "no locale of this machine fits there")
	}
	if strings.HasPrefix(place, containerPlace) {
		leave(VaryUser, "the image says who builds")
	}
	if usesRust(rec) {
		// Seen with 1.95: it waits for ever, even to say its version.
		leave(VaryTime, "Rust's compiler does not start under libfaketime")
	}
	if ClockLibrary("") == "" {
		leave(VaryTime, "libfaketime is not installed: apt-get install faketime")
	}
	if why := CannotPin(); why != "" {
		leave(VaryCPUs, why)
	}
	if set.Has(VaryLocale) && len(OtherLocales(ctx, b.Cache)) == 0 {
		leave(VaryLocale, "no other UTF-8 locale is installed: apt-get install locales")
	}
	return set, sortNotVaried(not)
}

// What a Result's Place begins with.
const (
	thisMachine    = "this machine"
	containerPlace = "container image "
)

// sortNotVaried puts them into the order of the constants.
func sortNotVaried(list []NotVaried) []NotVaried {
	var out []NotVaried
	for _, name := range VariationNames() {
		for _, n := range list {
			if n.Name == name {
				out = append(out, n)
			}
		}
	}
	return out
}

// vary changes the environment of a recipe's build; locale is where another one
// lies, if it is varied.
func (v Varied) vary(vars map[string]string, locale Locale) {
	if v.Set.Has(VaryZone) {
		vars["TZ"] = v.Zone()
	}
	if v.Set.Has(VaryLocale) && locale.Name != "" {
		vars["LANG"], vars["LC_ALL"] = locale.Name, locale.Name
		if locale.Path != "" {
			vars["LOCPATH"] = localeFolder
		}
	}
	if v.Set.Has(VaryHashSeed) {
		vars["PYTHONHASHSEED"] = v.HashSeed(vars["PYTHONHASHSEED"])
		vars["PERL_HASH_SEED"] = vars["PYTHONHASHSEED"]
	}
	if v.Set.Has(VaryHome) {
		vars["HOME"] += "-" + strconv.Itoa(v.round(VaryHome))
	}
	if lib := ClockLibrary(""); v.Set.Has(VaryTime) && lib != "" {
		for k, x := range ClockEnviron(lib, fmt.Sprintf("%+d", v.Clock())) {
			vars[k] = x
		}
	}
}

// localeFolder is where locales made for a build are seen in it.
const localeFolder = "/locale"

// locale is the one for a round.
func (b *Builder) locale(ctx context.Context, v Varied) Locale {
	if !v.Set.Has(VaryLocale) {
		return Locale{}
	}
	list := OtherLocales(ctx, b.Cache)
	if len(list) == 0 {
		return Locale{}
	}
	return list[(v.round(VaryLocale)-1)%len(list)]
}

// vary sets what the sandbox shows of the machine.
func (s *sandbox) vary(v Varied, locale Locale) {
	s.host, s.user, s.uid, s.locale = "build", "build", 1000, locale.Path
	if v.Set.Has(VaryHost) {
		s.host = v.HostName()
	}
	if v.Set.Has(VaryUser) {
		s.user, s.uid = v.UserName(), v.UserID()
	}
	s.oneCPU = v.Set.Has(VaryCPUs)
}
