package httpapi

import (
	"encoding/json"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/apperr"
	"souk.example/pkg/httpserver"
	"souk.example/pkg/plaintext"
	"souk.example/services/inventory/internal/catalogue"
	"souk.example/services/inventory/internal/inventory"
	"souk.example/services/inventory/internal/store"
)

const maxQuery = 100 // characters

// listProducts lists what is on sale in the order of the SKUs; ?query= keeps
// what has the text in its SKU or name. A client that has the page already gets
// 304.
func (a *API) listProducts(c *gin.Context) {
	q, err := listQuery(c)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	limit := q.Limit
	q.Limit++ // one more tells whether there is a next page
	listings, err := a.products.Listings(c.Request.Context(), q)
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	body, err := json.Marshal(listResponseFrom(listings, limit, q.Text))
	if err != nil {
		httpserver.Fail(c, err)
		return
	}
	answerPage(c, catalogue.NewPage(body))
}

func listQuery(c *gin.Context) (store.Query, error) {
	page, err := httpserver.ParsePage(c)
	if err != nil {
		return store.Query{}, err
	}
	q := store.Query{Text: c.Query("query"), Limit: page.Limit}
	if !searchable(q.Text) {
		return store.Query{}, badQuery("query", "a text of at most 100 printable characters")
	}
	if page.Cursor == "" {
		return q, nil
	}
	q.After, err = parseCursor(page.Cursor, q.Text)
	return q, err
}

func searchable(text string) bool {
	return utf8.RuneCountInString(text) <= maxQuery && plaintext.Is(text)
}

func listResponseFrom(listings []inventory.Listing, limit int, text string) listResponse {
	resp := listResponse{Items: make([]catalogue.Product, 0, limit)}
	for _, l := range listings[:min(limit, len(listings))] {
		resp.Items = append(resp.Items, catalogue.ProductFrom(l))
	}
	if len(listings) > limit {
		cursor := cursorAfter(listings[limit-1].SKU, text)
		resp.NextCursor = &cursor
	}
	return resp
}

func badQuery(field, detail string) error {
	return apperr.New(apperr.Unprocessable, "invalid_query", "the query is not valid").
		WithFields(apperr.Field{Field: field, Code: "invalid", Detail: detail})
}
