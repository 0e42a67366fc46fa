// Package topology is the graph of services, topics and workflows: made of what services declare and of the ways that events really took
// (graph.go, walk.go, build.go), checked for branches that don't come home (check.go), laid out as closed loops (layout.go, order.go, route.go)
// and written as SVG and Mermaid (svg.go, mermaid.go). It is pure: the same input gives the same output, whatever its order.
//
// It knows the tracker's types and nothing else of Skald. Start reading at Build.
package topology
