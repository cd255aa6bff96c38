package httpapi

import (
	"net/http"
	"strconv"

	"github.com/gin-gonic/gin"

	"souk.example/pkg/httpserver"
	"souk.example/services/user/internal/user"
)

type addressRequest struct {
	Recipient  string `json:"recipient"`
	Phone      string `json:"phone"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2"`
	City       string `json:"city"`
	Region     string `json:"region"`
	PostalCode string `json:"postal_code"`
	Country    string `json:"country"`
	Default    bool   `json:"default"`
}

type addressResponse struct {
	ID         string `json:"id"`
	Recipient  string `json:"recipient"`
	Phone      string `json:"phone"`
	Line1      string `json:"line1"`
	Line2      string `json:"line2,omitzero"`
	City       string `json:"city"`
	Region     string `json:"region,omitzero"`
	PostalCode string `json:"postal_code,omitzero"`
	Country    string `json:"country"`
	Default    bool   `json:"default"`
	CreatedAt  string `json:"created_at"`
	UpdatedAt  string `json:"updated_at"`
}

type addressesResponse struct {
	Items      []addressResponse `json:"items"`
	NextCursor *string           `json:"next_cursor"`
}

func addressResponseFrom(a user.Address) addressResponse {
	return addressResponse{
		ID: strconv.FormatInt(int64(a.ID), 10), Recipient: a.Recipient, Phone: a.Phone, Line1: a.Line1, Line2: a.Line2,
		City: a.City, Region: a.Region, PostalCode: a.PostalCode, Country: a.Country, Default: a.Default,
		CreatedAt: timestamp(a.CreatedAt), UpdatedAt: timestamp(a.UpdatedAt),
	}
}

// listAddresses shows the caller's addresses, oldest first.
func (a *API) listAddresses(c *gin.Context) {
	page, err := httpserver.ParsePage(c)
	if err != nil {
		fail(c, err)
		return
	}
	after, err := parseCursor[user.AddressID](page.Cursor)
	if err != nil {
		fail(c, err)
		return
	}
	addresses, err := a.addresses.List(c.Request.Context(), caller(c), after, page.Limit+1)
	if err != nil {
		fail(c, err)
		return
	}
	addresses, next := cut(addresses, page.Limit, func(a user.Address) user.AddressID { return a.ID })
	items := make([]addressResponse, len(addresses))
	for i, address := range addresses {
		items[i] = addressResponseFrom(address)
	}
	c.JSON(http.StatusOK, addressesResponse{Items: items, NextCursor: next})
}

// addAddress keeps a new address of the caller's.
func (a *API) addAddress(c *gin.Context) {
	body, err := httpserver.Bind[addressRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	address, err := a.addresses.Add(c.Request.Context(), caller(c), user.Place(body))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusCreated, addressResponseFrom(address))
}

// replaceAddress changes one of the caller's as a whole: what is absent is
// empty then.
func (a *API) replaceAddress(c *gin.Context) {
	body, err := httpserver.Bind[addressRequest](c)
	if err != nil {
		fail(c, err)
		return
	}
	address, err := a.addresses.Replace(c.Request.Context(), caller(c), addressParam(c), user.Place(body))
	if err != nil {
		fail(c, err)
		return
	}
	c.JSON(http.StatusOK, addressResponseFrom(address))
}

// removeAddress forgets one of the caller's.
func (a *API) removeAddress(c *gin.Context) {
	if err := a.addresses.Remove(c.Request.Context(), caller(c), addressParam(c)); err != nil {
		fail(c, err)
		return
	}
	c.Status(http.StatusNoContent)
}

func addressParam(c *gin.Context) user.AddressID {
	id, _ := httpserver.ParseID(c, "id") // what is not an id names no address
	return user.AddressID(id)
}
