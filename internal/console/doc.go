// Package console is what people and programs see of Skald over HTTP. It puts rooms together, each a package of its own, and adds what
// holds for every answer: addresses that lead nowhere, and security headers.
//
//   - api: the JSON API with its OpenAPI document, and the stream for programs
//   - onboarding, saga, …, decide: pages and dialogs, each with its templates, styles and modules
//   - shell: what all pages share: frame, assets, live updates
//   - draw: small charts as SVG
//   - mask: hides fields of payloads
//   - audit: notes what is asked for, and the page that lists it
//   - access: who asks, and what they may do
//   - live, problem, words: streams, errors as answers, times and counts as sentences want them
//   - redrive: gives all dead letters of a cause back, at a rate, and follows them
//   - backend: what is behind it all, as interfaces; consoletest: a scripted one, and a browser
//
// It tells what the tracker tells and keeps nothing of its own but how far redrives are. Who may import whom: the rooms know shell, api knows no page, and
// no room knows another. None knows a broker or SQL.
//
// Start reading at config.go (what it is given) and console.go (which rooms there are).
package console
