// What Go's net/http reads in a request, in every way that its documentation shows.
package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
)

type order struct {
	Amount any `json:"amount"`
}

func main() {
	http.ListenAndServe("127.0.0.1:"+os.Args[1], http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		amounts := map[string]any{}
		var strict order
		if json.Unmarshal(body, &strict) == nil {
			amounts["encoding/json, into a struct, whatever the type"] = strict.Amount
		}
		var first order
		if json.NewDecoder(bytes.NewReader(body)).Decode(&first) == nil {
			amounts["json.Decoder, the first value, whatever the type"] = first.Amount
		}
		var members map[string]any
		if json.Unmarshal(body, &members) == nil {
			amounts["encoding/json, into a map, whatever the type"] = members["amount"]
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		if r.ParseForm() == nil {
			amounts["FormValue"] = r.Form["amount"]
			amounts["PostFormValue"] = r.PostForm["amount"]
		}
		if values, err := url.ParseQuery(string(body)); err == nil {
			amounts["url.ParseQuery of the body, whatever the type"] = values["amount"]
		}
		amounts["URL.Query"] = r.URL.Query()["amount"]
		paths := map[string][]string{
			"URL.Path":        strings.Split(r.URL.Path, "/"),
			"URL.EscapedPath": segments(r.URL.EscapedPath()),
		}
		json.NewEncoder(w).Encode(map[string]any{"amounts": amounts, "paths": paths})
	}))
}

func segments(path string) []string {
	all := strings.Split(path, "/")
	for i, segment := range all {
		if decoded, err := url.PathUnescape(segment); err == nil {
			all[i] = decoded
		}
	}
	return all
}
