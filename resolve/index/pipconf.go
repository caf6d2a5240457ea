package index

import (
	"path/filepath"
	"strings"
)

// pipConfURL finds index-url in pip's configuration files. Files are read from
// the machine's to the most specific, later ones overriding; then [install]
// goes before [global], whatever the file, as in pip. PIP_CONFIG_FILE set to
// the null device turns all files off.
func pipConfURL(env Env) (value, file string) {
	values, files := map[string]string{}, map[string]string{}
	for _, path := range pipConfFiles(env) {
		data, err := env.ReadFile(path)
		if err != nil {
			continue // missing, or not ours to read: pip passes over it too
		}
		for section, url := range parsePipConf(string(data)) {
			values[section], files[section] = url, path
		}
	}
	for _, section := range []string{"install", "global"} {
		if values[section] != "" {
			return values[section], files[section]
		}
	}
	return "", ""
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

// parsePipConf reads index-url of each section of an INI file.
func parsePipConf(text string) map[string]string {
	values, section, key := map[string]string{}, "", ""
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n")
		trimmed := strings.TrimLeft(line, " \t")
		switch {
		case trimmed == "" || trimmed[0] == '#' || trimmed[0] == ';':
		case line[0] == '[' && strings.HasSuffix(line, "]"):
			section = line[1 : len(line)-1]
		case trimmed != line: // goes on with the value of the line above
			if key == "index-url" && values[section] == "" {
				values[section] = trimmed
			}
		default:
			i := strings.IndexAny(line, "=:")
			if i < 0 {
				continue
			}
			key = strings.ReplaceAll(strings.ToLower(strings.TrimSpace(line[:i])), "_", "-")
			if value := strings.TrimSpace(line[i+1:]); key == "index-url" && value != "" {
				values[section] = value
			}
		}
	}
	return values
}
