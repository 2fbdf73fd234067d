package corpus

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/sluicehttp/sluice/abi"
)

// Settings say how an input is given to a connection. The zero value is the default but for Limits.
type Settings struct {
	// Client has the connection speak for the client: the input holds answers.
	Client bool
	// EOF has the peer close its side behind the input.
	EOF bool
	// Limits bound the input.
	Limits abi.Limits

	// Method is that of the requests whose answers the input holds.
	Method string
	// AsksUpgrade, AsksClose and Unfinished say that these requests ask for another protocol, end the connection, and
	// never come to an end.
	AsksUpgrade, AsksClose, Unfinished bool
	// Asks is how many requests there are. Unlimited: as many as there are answers.
	Asks int

	// Answer is how requests are answered.
	Answer Answer
}

// Unlimited is the number of requests when there is no bound.
const Unlimited = -1

// Answer is how a server answers requests.
type Answer string

const (
	// AnswerPlainly is 404, at once and without a body.
	AnswerPlainly Answer = ""
	// AnswerNone is nothing: whatever follows the first request waits.
	AnswerNone Answer = "none"
	// AnswerClose is 404 and the end of the connection.
	AnswerClose Answer = "close"
	// AnswerUpgrade agrees to leave HTTP, whenever it is asked for.
	AnswerUpgrade Answer = "upgrade"
)

// Defaults are the settings of a case that names none. The limits are the core's own.
func Defaults() Settings {
	return Settings{
		Method: "GET",
		Asks:   Unlimited,
		Limits: abi.Limits{
			StartLine: 8 << 10, Head: 32 << 10, Fields: 128, ChunkLine: 4 << 10, Trailers: 8 << 10, TrailerFields: 32,
		},
	}
}

// parseSettings reads the words behind "http".
func parseSettings(words []string) (Settings, error) {
	s := Defaults()
	for _, word := range words {
		if !s.set(word) {
			return s, fmt.Errorf("%q is no setting", word)
		}
	}
	return s, nil
}

// set changes one setting.
func (s *Settings) set(word string) bool {
	name, value, _ := strings.Cut(word, "=")
	switch {
	case word == "role=client":
		s.Client = true
	case word == "eof":
		s.EOF = true
	case word == "request=upgrade":
		s.AsksUpgrade = true
	case word == "request=close":
		s.AsksClose = true
	case word == "request=unfinished":
		s.Unfinished = true
	case name == "method" && value != "":
		s.Method = value
	case name == "requests":
		return parseNumber(value, &s.Asks)
	case name == "answer":
		s.Answer = Answer(value)
		return slices.Contains([]Answer{AnswerNone, AnswerClose, AnswerUpgrade}, s.Answer)
	default:
		limit := s.limit(name)
		return limit != nil && parseNumber(value, limit)
	}
	return true
}

// limit is the limit of a name, nil when there is none.
func (s *Settings) limit(name string) *uint32 {
	return map[string]*uint32{
		"start-line":     &s.Limits.StartLine,
		"head":           &s.Limits.Head,
		"fields":         &s.Limits.Fields,
		"chunk-line":     &s.Limits.ChunkLine,
		"trailers":       &s.Limits.Trailers,
		"trailer-fields": &s.Limits.TrailerFields,
	}[name]
}

// parseNumber reads a number that is not negative.
func parseNumber[T int | uint32](text string, number *T) bool {
	n, err := strconv.ParseUint(text, 10, 31)
	*number = T(n)
	return err == nil
}
