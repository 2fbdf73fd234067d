package command

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"github.com/sluicehttp/sluice/engine"
)

// describe words the decoder's errors as file:line:column and a sentence for people who write the file: the decoder
// names Go types, and for an unknown key it does not say which there are.
func describe(path string, text []byte, err error) error {
	var unknown *toml.StrictMissingError
	if errors.As(err, &unknown) {
		first := &unknown.Errors[0]
		line, column := first.Position()
		key := newSource(path, text).wholeKey(first.Key(), line, column)
		return fmt.Errorf("%s:%d:%d: unknown key %q; %s", path, line, column, strings.Join(key, "."), alternatives(key))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, column := decode.Position()
		return fmt.Errorf("%s:%d:%d: %s", path, line, column, sentence(decode))
	}
	return fmt.Errorf("%s: %w", path, err)
}

func sentence(err *toml.DecodeError) string {
	message := strings.TrimPrefix(err.Error(), "toml: ")
	key := strings.Join(err.Key(), ".")
	switch {
	case strings.HasPrefix(message, "cannot decode TOML"), strings.HasPrefix(message, "cannot store"):
		_, place := follow(err.Key())
		return fmt.Sprintf("%s must be %s", key, wanted(place))
	}
	return message
}

// alternatives says what may stand in the place of an unknown key.
func alternatives(key []string) string {
	depth, place := follow(key)
	fields := keysOf(place)
	if len(fields) == 0 {
		return strings.Join(key[:depth], ".") + " is a value"
	}
	names := make([]string, len(fields))
	for i, field := range fields {
		names[i] = field.Tag.Get("toml")
	}
	known := "known here: " + strings.Join(names, ", ")
	if place == reflect.TypeFor[routeLimitsTable]() && strings.EqualFold(key[depth], "head_time") {
		return "a head is read before its route is known, so its time is the same for all routes; " + known
	}
	return known
}

// follow walks a key through the tables of a configuration file as far as it is known. It says how many parts that are
// and gives the type of what stands there.
func follow(key []string) (depth int, found reflect.Type) {
	found = reflect.TypeFor[configFile]()
	for depth, part := range key {
		inside, known := lookUp(found, part)
		if !known {
			return depth, found
		}
		found = inside
	}
	return len(key), found
}

// lookUp gives the type of a key in a table. Like the decoder it does not heed case.
func lookUp(table reflect.Type, key string) (reflect.Type, bool) {
	if table.Kind() == reflect.Map {
		return table.Elem(), true
	}
	for _, field := range keysOf(table) {
		if field.Tag.Get("toml") == strings.ToLower(key) {
			return field.Type, true
		}
	}
	return nil, false
}

// keysOf gives the keys that a table, or each of an array of tables, may have; none for a value.
func keysOf(table reflect.Type) []reflect.StructField {
	if table.Kind() == reflect.Slice {
		table = table.Elem()
	}
	if table.Kind() != reflect.Struct {
		return nil
	}
	var keys []reflect.StructField
	for _, field := range reflect.VisibleFields(table) {
		if field.Tag.Get("toml") != "" {
			keys = append(keys, field)
		}
	}
	return keys
}

// wanted says what kind of value a key has.
func wanted(field reflect.Type) string {
	switch {
	case field == reflect.TypeFor[[]routeTable]():
		return "tables headed [[route]]"
	case field == reflect.TypeFor[[]tenantTable]():
		return "tables headed [[tenant]]"
	case field == reflect.TypeFor[[]tenantRouteTable]():
		return "tables headed [[tenant.route]]"
	case field == reflect.TypeFor[[]string]():
		return "an array of strings"
	case field == reflect.TypeFor[*scalar]():
		return "a number or a string"
	case field.Kind() == reflect.Interface:
		return "a string or an array of strings"
	case field.Kind() == reflect.Map:
		return "a table of strings"
	case len(keysOf(field)) > 0:
		return "a table"
	}
	return "a string"
}

// locate says where in the configuration file, if there is one, the cause of an engine's error is: the key for a limit, an
// argument or a variable that cannot be, otherwise the file as a whole.
func (s *settings) locate(err error) error {
	if err == nil || s.source == nil {
		return err
	}
	if limit := (*engine.LimitError)(nil); errors.As(err, &limit) {
		return s.source.errorAt(limitKey(limit), "%w", err)
	}
	if process := (*engine.ProcessError)(nil); errors.As(err, &process) {
		return s.source.errorAt(join(routeOf(process.Tenant, process.Route), strings.ToLower(process.Key)), "%w", err)
	}
	return s.source.errorf("%w", err)
}

// limitKey is the key of a limit in the file.
func limitKey(limit *engine.LimitError) string {
	table := routeOf(limit.Tenant, limit.Route)
	switch _, ofRoute := lookUp(reflect.TypeFor[routeFields](), limit.Key); {
	case ofRoute:
	case slices.Contains([]string{"max_connections", "tenant_idle", "max_loaded", "compile_time", "compile_memory"}, limit.Key):
		table = "server"
	default:
		table = join(table, "limits")
	}
	return join(table, limit.Key)
}

// routeOf is the key of a tenant's route; of a route without a tenant, or of a tenant, when the other index is negative.
func routeOf(tenant, route int) (key string) {
	if tenant >= 0 {
		key = tenantKey(tenant)
	}
	if route >= 0 {
		key = join(key, routeKey(route))
	}
	return key
}
