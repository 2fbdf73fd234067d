package measure

import "time"

// Start is how soon a server answers after its start, in one way to start it.
type Start struct {
	Server   string          `json:"server"`
	Way      string          `json:"way"`
	Answered []time.Duration `json:"answered_ns"`
}

// Idle is what connections cost that are open and ask nothing.
type Idle struct {
	Server string `json:"server"`
}

// Tenants is what tenants cost.
type Tenants struct {
	Count int `json:"count"`
}

// Neighbour is what a neighbour does to others.
type Neighbour struct {
	Spinning int `json:"spinning"`
}
