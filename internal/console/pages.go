package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"io/fs"
	"net/http"
	"strings"

	"github.com/skald-saga/skald/services/events"
)

//go:embed templates
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// stylesheets are linked in this order.
var stylesheets = []string{"tokens.css", "base.css", "layout.css", "controls.css", "chain.css", "trace.css", "dialogs.css", "actions.css"}

// pages renders templates and serves assets.
type pages struct {
	templates *template.Template
	assets    http.Handler
}

// newPages panics if a template doesn't parse, which is this package's own mistake.
func newPages() *pages {
	prefix := "/assets/" + assetVersion() + "/"
	funcs := template.FuncMap{
		"asset":       func(name string) string { return prefix + name },
		"stylesheets": func() []string { return stylesheets },
		"departments": func() []string { return events.Departments },
		"timeOfDay":   timeOfDay,
		"soFar":       soFarSince,
		"until":       until,
		"percent":     percent,
		"seconds":     seconds,
		"thousands":   thousands[int64],
		"plural":      plural[int64],
		"capital":     capital,
	}
	files, err := fs.Sub(assetFiles, "assets")
	if err != nil {
		panic(err)
	}
	return &pages{
		templates: template.Must(template.New("").Funcs(funcs).ParseFS(templateFiles, "templates/*.html")),
		assets:    forever(prefix, http.FileServerFS(files)),
	}
}

// assetVersion is a hash of all assets. It is part of their path, so that modules that import one another by relative
// paths are never of two versions.
func assetVersion() string {
	hash := sha256.New()
	err := fs.WalkDir(assetFiles, "assets", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := assetFiles.ReadFile(path)
		hash.Write([]byte(path))
		hash.Write(content)
		return err
	})
	if err != nil {
		panic(err) // an embedded file is always readable
	}
	return hex.EncodeToString(hash.Sum(nil))[:12]
}

// forever serves files that never change under their path.
func forever(prefix string, files http.Handler) http.Handler {
	stripped := http.StripPrefix(prefix, files)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, prefix) || strings.HasSuffix(r.URL.Path, "/") {
			writeProblem(w, refused(http.StatusNotFound, r, ""))
			return
		}
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
		stripped.ServeHTTP(w, r)
	})
}

func (p *pages) render(name string, data any) (string, error) {
	var out bytes.Buffer
	err := p.templates.ExecuteTemplate(&out, name, data)
	return out.String(), err
}
