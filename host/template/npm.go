package template

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// installable leaves out of a package what npm would install with it for those who work on it. The order of what stays is
// kept: in "exports" it means something.
func installable(file string, text []byte) ([]byte, error) {
	if file != "package.json" {
		return text, nil
	}
	var kept bytes.Buffer
	err := eachMember(text, func(key string, value json.RawMessage) {
		if key == "devDependencies" || key == "scripts" {
			return
		}
		if kept.Len() > 0 {
			kept.WriteByte(',')
		}
		fmt.Fprintf(&kept, "%q:%s", key, value)
	})
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	err = json.Indent(&out, fmt.Appendf(nil, "{%s}\n", kept.Bytes()), "", "  ")
	return out.Bytes(), err
}

// eachMember visits the members of a JSON object in their order.
func eachMember(text []byte, visit func(key string, value json.RawMessage)) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	if begin, err := decoder.Token(); err != nil || begin != json.Delim('{') {
		return errors.Join(errors.New("package.json holds no object"), err)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			return err
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return err
		}
		visit(key.(string), value)
	}
	_, err := decoder.Token() // the end
	return err
}
