package wire

import (
	"fmt"
	"strconv"
	"strings"
)

const schemaPrefix = "urn:skald:schema:"

// SchemaURI is the ce_dataschema of a topic's events: a URN that ends in the version.
func SchemaURI(topic string, version int) string {
	return schemaPrefix + topic + ":" + strconv.Itoa(version)
}

// CheckSchema refuses an event of a newer schema version than this service knows. A foreign producer's own schema URI, or
// none, says nothing and passes.
func CheckSchema(uri string, known int) error {
	name, ok := strings.CutPrefix(uri, schemaPrefix)
	if !ok {
		return nil
	}
	i := strings.LastIndexByte(name, ':')
	version, err := strconv.Atoi(name[i+1:])
	if i < 0 || err != nil || version < 1 {
		return fmt.Errorf("ce_dataschema %q has no version at its end", clip(uri))
	}
	if version > known {
		return fmt.Errorf("unknown version: the event has schema version %d of %s, this service knows %d: upgrade it", version, clip(name[:i]), known)
	}
	return nil
}
