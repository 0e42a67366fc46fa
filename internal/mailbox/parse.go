package mailbox

import (
	"bytes"
	"encoding/base64"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/mail"
	"strings"
)

const (
	maxHeader = 1 << 10 // bytes of one header that are kept
	maxText   = 64 << 10
	maxParts  = 20 // of a multipart mail, and of one within it
	maxDepth  = 3
)

// parse reads a mail as far as it can be read: what has no headers is text altogether.
func parse(raw []byte, from string, to []string) Mail {
	m := Mail{From: short(from), To: short(strings.Join(to, ", "))}
	msg, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		m.Text = text(bytes.NewReader(raw))
		return m
	}
	m.MessageID = short(strings.Trim(msg.Header.Get("Message-Id"), "<> "))
	m.Subject = short(decodeHeader(msg.Header.Get("Subject")))
	m.ToName = short(nameOf(msg.Header, to))
	if list, err := msg.Header.AddressList("From"); err == nil {
		m.From = short(list[0].Address)
	}
	m.Text, _ = plainText(msg.Header.Get, msg.Body, 0)
	return m
}

// nameOf gives the name that the To header has for the first recipient.
func nameOf(header mail.Header, to []string) string {
	list, err := header.AddressList("To")
	if err != nil || len(to) == 0 {
		return ""
	}
	for _, address := range list {
		if strings.EqualFold(address.Address, to[0]) {
			return address.Name
		}
	}
	return ""
}

func decodeHeader(value string) string {
	decoded, err := new(mime.WordDecoder).DecodeHeader(value)
	if err != nil {
		return value
	}
	return decoded
}

// plainText finds the first plain text in a mail, and says whether there is one.
func plainText(header func(string) string, body io.Reader, depth int) (string, bool) {
	kind, params, err := mime.ParseMediaType(header("Content-Type"))
	switch {
	case err != nil || kind == "text/plain":
		return text(decodeBody(header("Content-Transfer-Encoding"), body)), true
	case !strings.HasPrefix(kind, "multipart/") || depth == maxDepth:
		return "", false
	}
	parts := multipart.NewReader(body, params["boundary"])
	for range maxParts {
		part, err := parts.NextPart()
		if err != nil {
			break
		}
		if found, ok := plainText(part.Header.Get, part, depth+1); ok {
			return found, true
		}
	}
	return "", false
}

func decodeBody(encoding string, body io.Reader) io.Reader {
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "quoted-printable":
		return quotedprintable.NewReader(body)
	case "base64":
		return base64.NewDecoder(base64.StdEncoding, body)
	}
	return body
}

// text reads as much as there is: a mail that is broken in the middle shows what is before.
func text(r io.Reader) string {
	read, _ := io.ReadAll(io.LimitReader(r, maxText))
	return strings.ReplaceAll(strings.ToValidUTF8(string(read), "�"), "\r\n", "\n")
}

// short also makes a copy, so that it doesn't hold the whole mail in memory.
func short(header string) string {
	if len(header) > maxHeader {
		header = header[:maxHeader]
	}
	return strings.Clone(strings.ToValidUTF8(header, "�"))
}
