package chart

import (
	"net/url"
	"strings"
	"time"

	"github.com/skald-saga/skald/internal/console/problem"
)

// view is what the address of the page says.
type view struct {
	Workflow string // in accent; "" for all
	Hop      bool   // whether one is chosen: this topic, and who reads it
	Topic    string
	To       string
	Window   window
}

// window is a time that rates and percentiles are taken over.
type window struct {
	Word, Title string
	length      time.Duration
}

// windows are all that there are; the second is what is shown if nobody says.
var windows = []window{{"1m", "1 min", time.Minute}, {"5m", "5 min", 5 * time.Minute}, {"15m", "15 min", 15 * time.Minute}, {"1h", "1 h", time.Hour}}

func parseView(query url.Values) (view, error) {
	v := view{Window: windows[1]}
	for name, values := range query {
		value := values[0]
		switch {
		case len(values) > 1:
			return v, &problem.Field{Location: "query." + name, Message: "is there twice"}
		case name == "workflow":
			v.Workflow = value
		case name == "hop":
			if v.Topic, v.To, v.Hop = strings.Cut(value, "/"); !v.Hop || v.Topic == "" {
				return v, &problem.Field{Location: "query.hop", Message: "must be topic/service, or topic/ for one that nobody reads"}
			}
		case name == "window":
			found := false
			for _, w := range windows {
				if w.Word == value {
					v.Window, found = w, true
				}
			}
			if !found {
				return v, &problem.Field{Location: "query.window", Message: "must be 1m, 5m, 15m or 1h"}
			}
		case name != "since": // live.js says where the page stands
			return v, &problem.Field{Location: "query." + name, Message: "there is no such parameter"}
		}
	}
	return v, nil
}

// URL is the address of the view.
func (v view) URL() string { return v.at("/map") }

func (v view) at(path string) string {
	query := url.Values{}
	if v.Workflow != "" {
		query.Set("workflow", v.Workflow)
	}
	if v.Hop {
		query.Set("hop", v.Topic+"/"+v.To)
	}
	if v.Window.Word != windows[1].Word {
		query.Set("window", v.Window.Word)
	}
	if len(query) == 0 {
		return path
	}
	return path + "?" + query.Encode()
}

// Of is the same view of another workflow.
func (v view) Of(workflow string) view {
	v.Workflow = workflow
	return v
}

// Over is the same view over another time.
func (v view) Over(w window) view {
	v.Window = w
	return v
}

// At is the same view with a hop.
func (v view) At(topic, to string) view {
	v.Hop, v.Topic, v.To = true, topic, to
	return v
}

// Away is the same view without one.
func (v view) Away() view {
	v.Hop, v.Topic, v.To = false, "", ""
	return v
}

// File is where the map is as a file.
func (v view) File(format string) string {
	query := url.Values{"format": {format}, "window": {v.Window.Word}}
	if v.Workflow != "" {
		query.Set("workflow", v.Workflow)
	}
	return "/api/v1/map?" + query.Encode()
}
