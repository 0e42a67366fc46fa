package saga

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/console/words"
)

// view is what the page's address says.
type view struct {
	ID    string
	Steps bool  // the chart gives each bar the same width; else time is to scale
	Event place // whose record is open
	From  int   // the first record that is listed, counted from 1; 0: so that the latest are
}

// place is where a record lies. Its zero value is none.
type place struct {
	Topic     string
	Partition int32
	Offset    int64
}

func (p place) String() string {
	if p.Topic == "" {
		return ""
	}
	return fmt.Sprintf("%s/%d/%d", p.Topic, p.Partition, p.Offset)
}

func parseView(r *http.Request) (view, error) {
	v := view{ID: r.PathValue("id")}
	if uuid.Validate(v.ID) != nil || len(v.ID) != 36 {
		return v, &problem.Field{Location: "path.id", Message: "the ID of a saga is expected: a UUID"}
	}
	v.ID = strings.ToLower(v.ID)
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return v, &problem.Field{Location: "query", Message: err.Error()}
	}
	for name, values := range query {
		if err := v.set(name, values[0]); err != nil || len(values) > 1 {
			if err == nil {
				err = errors.New("is given twice")
			}
			return v, &problem.Field{Location: "query." + words.Clip(name), Message: err.Error()}
		}
	}
	return v, nil
}

func (v *view) set(name, value string) (err error) {
	switch name {
	case "scale":
		if v.Steps = value == "steps"; !v.Steps && value != "time" {
			return errors.New("time or steps is expected")
		}
	case "event":
		v.Event, err = parsePlace(value)
	case "from":
		if v.From, err = strconv.Atoi(value); err != nil || v.From < 1 {
			return errors.New("the number of an event is expected, from 1")
		}
	default:
		return errors.New("is not known here: scale, event and from are")
	}
	return err
}

func parsePlace(s string) (p place, err error) {
	wrong := errors.New("topic/partition/offset is expected, such as notify/3/17")
	parts := strings.Split(s, "/")
	if len(parts) != 3 || parts[0] == "" {
		return place{}, wrong
	}
	partition, err1 := strconv.ParseInt(parts[1], 10, 32)
	offset, err2 := strconv.ParseInt(parts[2], 10, 64)
	if err1 != nil || err2 != nil || partition < 0 || offset < 0 {
		return place{}, wrong
	}
	return place{parts[0], int32(partition), offset}, nil
}

// URL is the address of the view.
func (v view) URL() string { return v.at("/sagas/" + v.ID) }

// LiveURL is where the stream is that keeps the view up to date.
func (v view) LiveURL() string { return v.at("/sagas/" + v.ID + "/live") }

func (v view) at(path string) string {
	query := url.Values{}
	if v.Steps {
		query.Set("scale", "steps")
	}
	if e := v.Event.String(); e != "" {
		query.Set("event", e)
	}
	if v.From > 0 {
		query.Set("from", strconv.Itoa(v.From))
	}
	if len(query) > 0 {
		path += "?" + query.Encode()
	}
	return path
}

// ByTime and BySteps are the same view with a chart to that scale.
func (v view) ByTime() view  { v.Steps = false; return v }
func (v view) BySteps() view { v.Steps = true; return v }

// Opening is the same view with another record open, or none.
func (v view) Opening(p place) view { v.Event = p; return v }

// Listing is the same view with the records from that number.
func (v view) Listing(from int) view { v.From = from; return v }
