package shell

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
)

// stylesheet is all rooms' styles in one file, in the order of the rooms.
const stylesheet = "skald.css"

// firstStyles come before the shell's other styles, which rely on them.
var firstStyles = []string{"tokens.css", "base.css", "layout.css"}

// assets serves the rooms' files under a path with a hash of them all, so that modules that import one another by relative
// paths are never of two versions, and none ever changes under its path.
type assets struct {
	prefix string
	files  map[string][]byte // by room and name
}

func newAssets(rooms []Room) *assets {
	a := &assets{files: map[string][]byte{}}
	var styles bytes.Buffer
	hash := sha256.New()
	for _, room := range rooms {
		for _, name := range inOrder(room.Files) {
			content, err := fs.ReadFile(room.Files, name)
			if err != nil {
				panic(err) // an embedded file is always readable
			}
			hash.Write([]byte(room.Name + "/" + name))
			hash.Write(content)
			switch path.Ext(name) {
			case ".css":
				styles.Write(content)
			case ".js", ".svg":
				a.files[room.Name+"/"+name] = content
			}
		}
	}
	a.files[stylesheet] = styles.Bytes()
	a.prefix = "/assets/" + hex.EncodeToString(hash.Sum(nil))[:12] + "/"
	return a
}

func inOrder(files fs.FS) []string {
	all, err := fs.Glob(files, "*")
	if err != nil {
		panic(err) // the pattern is well-formed
	}
	var first, rest []string
	for _, name := range firstStyles {
		if _, err := fs.Stat(files, name); err == nil {
			first = append(first, name)
		}
	}
	for _, name := range all {
		if !slices.Contains(first, name) {
			rest = append(rest, name)
		}
	}
	return append(first, rest...)
}

func (a *assets) path(name string) string { return a.prefix + name }

func (a *assets) has(name string) bool { return a.files[name] != nil }

func (a *assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, a.prefix)
	content := a.files[name]
	if !ok || content == nil {
		problem.Write(w, problem.Nowhere(http.StatusNotFound, r, ""))
		return
	}
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
}
