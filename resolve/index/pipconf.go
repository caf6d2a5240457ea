package index

import (
	"path/filepath"
	"strings"
)

// pipConf finds a key in pip's configuration files, and the file that has it.
// Files are read from the machine's to the most specific, later ones
// overriding; then [install] goes before [global], whatever the file, as in
// pip. PIP_CONFIG_FILE set to the null device turns all files off.
func pipConf(env Env, key string) (lines []string, file string) {
	values, files := map[string][]string{}, map[string]string{}
	for _, path := range pipConfFiles(env) {
		data, err := env.ReadFile(path)
		if err != nil {
			continue // missing, or not ours to read: pip passes over it too
		}
		for section, v := range parsePipConf(string(data), key) {
			values[section], files[section] = v, path
		}
	}
	for _, section := range []string{"install", "global"} {
		if len(values[section]) > 0 {
			return values[section], files[section]
		}
	}
	return nil, ""
}

func pipConfFiles(env Env) []string {
	own := env.Getenv("PIP_CONFIG_FILE")
	if own == "/dev/null" || strings.EqualFold(own, "nul") {
		return nil
	}
	var files []string
	for dir := range strings.SplitSeq(env.Getenv("XDG_CONFIG_DIRS"), ":") {
		if dir != "" {
			files = append([]string{filepath.Join(dir, "pip", "pip.conf")}, files...)
		}
	}
	if len(files) == 0 {
		files = []string{"/etc/xdg/pip/pip.conf"}
	}
	files = append(files, "/etc/pip.conf")
	if env.Home != "" {
		files = append(files, filepath.Join(env.Home, ".pip", "pip.conf"))
		config := env.Getenv("XDG_CONFIG_HOME")
		if config == "" {
			config = filepath.Join(env.Home, ".config")
		}
		files = append(files, filepath.Join(env.Home, "Library", "Application Support", "pip", "pip.conf"), filepath.Join(config, "pip", "pip.conf"))
	}
	if venv := env.Getenv("VIRTUAL_ENV"); venv != "" {
		files = append(files, filepath.Join(venv, "pip.conf"))
	}
	if own != "" {
		files = append(files, own)
	}
	return files
}

// parsePipConf reads one key of each section of an INI file; its value may go on
// over several lines.
func parsePipConf(text, want string) map[string][]string {
	values, section, key := map[string][]string{}, "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section, key = line[1:len(line)-1], ""
		case trimmed != line: // goes on with the value of the line above
			if key == want {
				values[section] = append(values[section], trimmed)
			}
		default:
			i := strings.IndexAny(line, "=:")
			if i < 0 {
				continue
			}
			key = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(line[:i])), "_", "-")
			if value := strings.TrimSpace(line[i+1:]); key == want && value != "" {
				values[section] = []string{value}
			}
		}
	}
	return values
}

// ExtraIndexes are the settings by which pip and uv are told of more indexes
// ("PIP_EXTRA_INDEX_URL", or the path of a file), each with the addresses there,
// without user information. wheellock does not use them: pip takes a name from
// whichever of its indexes has the highest version, so that anybody who
// publishes a private name elsewhere decides what is installed.
func ExtraIndexes(env Env) map[string][]string {
	env = env.withDefaults()
	out := map[string][]string{}
	add := func(from, text string) {
		for _, word := range strings.Fields(text) {
			out[from] = append(out[from], Redact(withoutIndexName(word)))
		}
	}
	for _, name := range []string{"PIP_EXTRA_INDEX_URL", "UV_INDEX", "UV_EXTRA_INDEX_URL"} {
		add(name, env.Getenv(name))
	}
	if env.Getenv("PIP_EXTRA_INDEX_URL") == "" {
		lines, file := pipConf(env, "extra-index-url")
		add(file, strings.Join(lines, " "))
	}
	return out
}
