package notifier

import (
	_ "embed"
	"fmt"
	"strings"
	"text/template"
	"unicode"
	"unicode/utf8"

	"github.com/skald-saga/skald/services/events"
)

//go:embed welcome.tmpl
var welcomeSource string

var welcome = template.Must(template.New("welcome").Funcs(template.FuncMap{
	"firstName": firstName, "title": title, "join": strings.Join,
}).Parse(welcomeSource))

// compose gives the words of a mail: those that the event brings, or the welcome.
func compose(n events.Notify) (subject, text string, err error) {
	if n.Message != (events.Message{}) {
		return n.Message.Subject, n.Message.Text, nil
	}
	if subject, err = render("subject", n); err != nil {
		return "", "", err
	}
	text, err = render("text", n)
	return subject, text, err
}

func render(part string, n events.Notify) (string, error) {
	var b strings.Builder
	if err := welcome.ExecuteTemplate(&b, part, n); err != nil {
		return "", fmt.Errorf("composing the welcome's %s: %w", part, err)
	}
	return b.String(), nil
}

// firstName is how the mail speaks to a person: the first word of the name.
func firstName(name string) string {
	words := strings.Fields(name)
	if len(words) == 0 {
		return name
	}
	return words[0]
}

func title(department string) string {
	first, size := utf8.DecodeRuneInString(department)
	return string(unicode.ToUpper(first)) + department[size:]
}
