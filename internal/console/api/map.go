//nolint:tagalign // a field's name comes first, its description last
package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/skald-saga/skald/internal/console/problem"
	"github.com/skald-saga/skald/internal/topology"
)

// Map is the graph of services, topics and workflows, with what is wrong with it.
type Map struct {
	Workflows []MapWorkflow `json:"workflows" nullable:"false"`
	Services  []MapService  `json:"services" nullable:"false"`
	Topics    []MapTopic    `json:"topics" nullable:"false"`
	Ways      []MapWay      `json:"ways" nullable:"false" doc:"What an event can take from one service to the next"`
	Findings  []MapFinding  `json:"findings" nullable:"false" doc:"What someone should look at, what breaks first. Always of all workflows"`
}

// MapWorkflow is a workflow with its two ends.
type MapWorkflow struct {
	Name      string `json:"name"`
	Initiator string `json:"initiator" doc:"The service that begins its sagas, and has to end them"`
	Start     string `json:"start" doc:"Topic that begins a saga"`
	End       string `json:"end" doc:"Topic that ends it"`
}

// MapService is a service of the graph.
type MapService struct {
	Name     string   `json:"name"`
	Begins   []string `json:"begins" nullable:"false" doc:"Workflows that it begins"`
	Serves   []string `json:"serves" nullable:"false" doc:"Workflows that reach it, those that it begins included"`
	Watches  []string `json:"watches" nullable:"false" doc:"Topics that it reads outside of any saga"`
	Declared bool     `json:"declared" doc:"false: it is known by its events alone"`
}

// MapTopic is a topic of the graph.
type MapTopic struct {
	Name      string   `json:"name"`
	Workflows []string `json:"workflows" nullable:"false" doc:"Whose events pass through it"`
}

// MapWay is one way of events.
type MapWay struct {
	From      string       `json:"from,omitempty" doc:"Service that writes; absent for who starts sagas, and for producers from outside"`
	Topic     string       `json:"topic"`
	To        string       `json:"to,omitempty" doc:"Service that reads; absent if none is known"`
	Role      string       `json:"role" enum:"start,step,end,watch,open" doc:"How the event is read: watch is outside of the saga, open by nobody that is known"`
	Workflows []string     `json:"workflows" nullable:"false" doc:"Whose events take it"`
	Declared  bool         `json:"declared"`
	Traffic   []MapTraffic `json:"traffic" nullable:"false" doc:"What was seen on it in the window, by workflow"`
}

// MapTraffic is what one workflow's events did on a way.
type MapTraffic struct {
	Workflow string   `json:"workflow,omitempty" doc:"Absent for events of no saga"`
	Events   int64    `json:"events" doc:"In the window"`
	Rate     float64  `json:"rate" doc:"Of these a second"`
	P50      *float64 `json:"p50_seconds,omitempty" doc:"From produced to the handler's output; absent while it is unknown"`
	P99      *float64 `json:"p99_seconds,omitempty"`
	UsualP99 *float64 `json:"usual_p99_seconds,omitempty" doc:"Of the time before the window; absent without enough history"`
	Running  int64    `json:"running" doc:"Sagas that are here now"`
	Retrying int64    `json:"retrying"`
	Halted   int64    `json:"halted"`
	Stuck    int64    `json:"stuck" doc:"Of those that run, for far longer than usual"`
}

// MapFinding is something that someone should look at.
type MapFinding struct {
	Kind     string `json:"kind" enum:"no-return,undeclared,initiators,forked,old-schema,unread,unwritten,unreached"`
	Breaks   bool   `json:"breaks" doc:"Sagas don't come home by it, or the declarations aren't true; else it is a remark"`
	Workflow string `json:"workflow,omitempty"`
	Service  string `json:"service,omitempty"`
	Topic    string `json:"topic,omitempty"`
	Text     string `json:"text" doc:"A sentence"`
}

// Media types of the map.
const (
	mediaJSON    = "application/json"
	mediaSVG     = "image/svg+xml"
	mediaMermaid = "text/plain; charset=utf-8"
)

func (a *API) registerMap(api huma.API) {
	handle(a, api, huma.Operation{
		OperationID: "get-map", Method: http.MethodGet, Path: "/api/v1/map", Tags: []string{"Map"},
		Summary:     "Services and topics as a graph, from what services declare and what the log shows",
		Description: "findings says whether every branch of every workflow returns to its initiator. SVG is a file of its own, in light or dark as its reader prefers; Mermaid is text for READMEs.",
		Responses: map[string]*huma.Response{"200": {Description: "The map in the format that was asked for", Content: map[string]*huma.MediaType{
			mediaJSON:    {Schema: api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Map](), true, "Map")},
			mediaSVG:     {Schema: &huma.Schema{Type: huma.TypeString}},
			mediaMermaid: {Schema: &huma.Schema{Type: huma.TypeString}},
		}}},
	}, a.getMap)
}

type mapInput struct {
	Format   string `query:"format" enum:"json,svg,mermaid" default:"json"`
	Workflow string `query:"workflow" doc:"JSON and Mermaid show this workflow alone, with what reads along; SVG has it in accent, others grey"`
	Window   string `query:"window" enum:"1m,5m,15m,1h" default:"5m" doc:"What rates and times are taken over"`
}

type mapOutput struct {
	Type string `header:"Content-Type"`
	Body []byte
}

func (a *API) getMap(ctx context.Context, in *mapInput) (*mapOutput, error) {
	window, err := time.ParseDuration(in.Window)
	if err != nil {
		return nil, &problem.Field{Location: "query.window", Message: err.Error()}
	}
	declared, err := a.b.Tracker.Declared(ctx)
	if err != nil {
		return nil, err
	}
	hops, err := a.b.Tracker.Hops(ctx, window)
	if err != nil {
		return nil, err
	}
	g := topology.Build(declared, hops)
	if in.Workflow != "" && g.Workflow(in.Workflow) == nil {
		return nil, &problem.Field{Location: "query.workflow", Message: noWorkflow(g)}
	}
	switch in.Format {
	case "svg":
		services, err := a.b.Tracker.Services(ctx)
		if err != nil {
			return nil, err
		}
		svg := topology.Lay(g).SVG(topology.Look{Workflow: in.Workflow, Said: topology.Say(g, services), Alone: true})
		return &mapOutput{mediaSVG, []byte(svg)}, nil
	case "mermaid":
		return &mapOutput{mediaMermaid, []byte(g.Mermaid(in.Workflow))}, nil
	}
	var body bytes.Buffer
	err = json.NewEncoder(&body).Encode(apiMap(g, in.Workflow))
	return &mapOutput{mediaJSON, body.Bytes()}, err
}

// noWorkflow says which workflows there are instead.
func noWorkflow(g *topology.Graph) string {
	names := make([]string, 0, len(g.Workflows))
	for _, w := range g.Workflows {
		names = append(names, w.Name)
	}
	if len(names) == 0 {
		return "no service has declared a workflow yet"
	}
	return "must be one of the workflows that services declare: " + strings.Join(names, ", ")
}

func apiMap(g *topology.Graph, workflow string) Map {
	m := Map{[]MapWorkflow{}, []MapService{}, []MapTopic{}, []MapWay{}, []MapFinding{}}
	topics, services := map[string]bool{}, map[string]bool{}
	for _, w := range g.Ways {
		if !g.Shows(workflow, w) {
			continue
		}
		topics[w.Topic], services[w.From], services[w.To] = true, true, true
		way := MapWay{w.From, w.Topic, w.To, w.Role, notNil(w.Workflows), w.Declared, []MapTraffic{}}
		for _, h := range w.Traffic {
			way.Traffic = append(way.Traffic, MapTraffic{
				h.Workflow, h.Events, h.Rate, knownSeconds(h.P50), knownSeconds(h.P99), knownSeconds(h.UsualP99), h.Running, h.Retrying, h.Halted, h.Stuck,
			})
		}
		m.Ways = append(m.Ways, way)
	}
	for _, w := range g.Workflows {
		if workflow == "" || w.Name == workflow {
			m.Workflows = append(m.Workflows, MapWorkflow(w))
		}
	}
	for _, s := range g.Services {
		if workflow == "" || services[s.Name] {
			m.Services = append(m.Services, MapService{s.Name, notNil(s.Begins), notNil(s.Serves), notNil(s.Watches), s.Declared})
		}
	}
	for _, t := range g.Topics {
		if workflow == "" || topics[t.Name] {
			m.Topics = append(m.Topics, MapTopic{t.Name, notNil(t.Workflows)})
		}
	}
	for _, f := range g.Check() {
		m.Findings = append(m.Findings, MapFinding(f))
	}
	return m
}

func knownSeconds(d time.Duration) *float64 {
	if d <= 0 {
		return nil
	}
	seconds := d.Seconds()
	return &seconds
}
