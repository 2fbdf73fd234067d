// Package differential holds tests that compare our reader with others: http.ReadRequest of Go, and llhttp, the parser of
// Node.js. Two readers that differ about the end of a body are what request smuggling is made of.
//
// What both accept they must take for the same. What only one accepts, and what both take differently, has to be in a class
// with its reason, a look at the input, and an input that shows it; a class that no input shows fails the tests.
// reading_test.go is what both comparisons share; readrequest_test.go and llhttp_test.go have the classes.
package differential
