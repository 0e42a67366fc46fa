package wire

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// Headers are a record's, as a ledger record holds them: one string with all, as a restoring service reads some twenty of them per
// entry, and a hundred thousand entries.
type Headers []Header

// MarshalJSON gives, in base64, for each header the length of its name, the name, the length of its value, and the value; lengths are
// unsigned varints.
func (hs Headers) MarshalJSON() ([]byte, error) {
	var all []byte
	for _, h := range hs {
		all = append(binary.AppendUvarint(all, uint64(len(h.Key))), h.Key...)
		all = append(binary.AppendUvarint(all, uint64(len(h.Value))), h.Value...)
	}
	quoted := append(make([]byte, 0, base64.StdEncoding.EncodedLen(len(all))+2), '"')
	return append(base64.StdEncoding.AppendEncode(quoted, all), '"'), nil
}

// UnmarshalJSON reads what MarshalJSON gives.
func (hs *Headers) UnmarshalJSON(b []byte) error {
	var all []byte
	if err := json.Unmarshal(b, &all); err != nil {
		return fmt.Errorf("headers: %w", err)
	}
	names := string(all) // of which each name is a part
	next := func() (from, to int, err error) {
		length, n := binary.Uvarint(all)
		if n <= 0 || length > uint64(len(all)-n) {
			return 0, 0, errors.New("headers: they end too early")
		}
		from = len(names) - len(all) + n
		to = from + int(length)
		all = all[n+int(length):]
		return from, to, nil
	}
	whole := all
	*hs = make(Headers, 0, 20)
	for len(all) > 0 {
		from, to, err := next()
		if err != nil {
			return err
		}
		start, end, err := next()
		if err != nil {
			return err
		}
		*hs = append(*hs, Header{names[from:to], whole[start:end:end]})
	}
	return nil
}
