package provisioner

import "slices"

// model is a kind of device that the company buys.
type model struct {
	name        string
	kind        string // what policies ask for
	prefix      string // of its serials
	firstSerial int64
	departments []string // that it is fit for; none is for all others
}

// catalogue ends with the model for everybody else.
var catalogue = []model{
	{name: "Nordbook 16", kind: "laptop", prefix: "NB16", firstSerial: 415, departments: []string{"engineering", "design"}},
	{name: "Nordbook 14", kind: "laptop", prefix: "NB14", firstSerial: 2190},
}

func modelFor(department string) model {
	for _, m := range catalogue {
		if slices.Contains(m.departments, department) {
			return m
		}
	}
	return catalogue[len(catalogue)-1]
}

func modelNames() (names []string) {
	for _, m := range catalogue {
		names = append(names, m.name)
	}
	return names
}
