// Package mailbox is the mail server of `skald up`: it takes every mail by SMTP and keeps it in memory for people to look at.
//
// Mail goes out at least once, so a mail may arrive again. A repeat is told by its Message-ID, dropped and counted. Memory is
// bounded: of old mails only their Message-IDs are remembered, and of very old ones nothing.
//
// It listens on loopback only, as it asks nobody for a password, and it knows nothing of sagas. It imports the standard library and
// go-smtp. Start reading at [Start], then session.go (what comes in), box.go (what is kept) and parse.go.
package mailbox
