"""What shops and couriers call their columns, in the plain form of `plain_name`; the best name of a field first.

The headers of Shopify, WooCommerce (two exporters) and Shiprocket (three templates) are those that they export.
"""

from collections.abc import Mapping

Aliases = Mapping[str, tuple[str, ...]]

BLOCK = ("address1", "address2", "landmark", "city", "state", "postal_code", "country")
"""Fields that are taken from the shipping columns together, or from the billing columns together, never mixed."""

SHOPIFY: Aliases = {
    "reference": ("name",),
    "placed_at": ("created at",),
    "financial_status": ("financial status",),
    "paid_at": ("paid at",),
    "fulfillment_status": ("fulfillment status",),
    "fulfilled_at": ("fulfilled at",),
    "cancelled_at": ("cancelled at", "canceled at"),
    "payment_method": ("payment method",),
    "currency": ("currency",),
    "amount": ("total",),
    "outstanding": ("outstanding balance",),
    "refunded": ("refunded amount",),
    "shopper_name": ("shipping name", "billing name"),
    "phone": ("shipping phone", "phone", "billing phone"),
    "email": ("email",),
    "address1": ("shipping address1", "billing address1"),
    "address2": ("shipping address2", "billing address2"),
    "city": ("shipping city", "billing city"),
    "state": ("shipping province name", "billing province name"),
    "state_code": ("shipping province", "billing province"),
    "postal_code": ("shipping zip", "billing zip"),
    "country": ("shipping country", "billing country"),
    "item_name": ("lineitem name",),
    "item_quantity": ("lineitem quantity",),
    "item_price": ("lineitem price",),
    "item_sku": ("lineitem sku",),
}

WOOCOMMERCE: Aliases = {
    "reference": ("order number formatted", "order number", "order id"),
    "placed_at": ("order date", "date"),
    "order_status": ("order status", "status"),
    "payment_method": ("payment method title", "payment method"),
    "currency": ("order currency", "currency"),
    "amount": ("order total amount", "order total"),
    "refunded": ("order refund amount",),
    "first_name": ("shipping first name", "first name shipping", "billing first name", "first name billing"),
    "last_name": ("shipping last name", "last name shipping", "billing last name", "last name billing"),
    "phone": ("shipping phone", "phone shipping", "billing phone", "phone billing"),
    "email": ("billing email", "email billing"),
    "address1": (
        "shipping address 1|address 1 shipping|address 1 2 shipping",
        "billing address 1|address 1 billing|address 1 2 billing",
    ),
    "address2": ("shipping address 2|address 2 shipping", "billing address 2|address 2 billing"),
    "city": ("shipping city|city shipping", "billing city|city billing"),
    "state": (
        "shipping state|state code shipping|state name shipping",
        "billing state|state code billing|state name billing",
    ),
    "postal_code": ("shipping postcode|postcode shipping", "billing postcode|postcode billing"),
    "country": (
        "shipping country|country code shipping|country name shipping",
        "billing country|country code billing|country name billing",
    ),
    "item_name": ("item name", "product name", "item 1 name"),
    "item_quantity": ("quantity", "item quantity", "item 1 quantity"),
    "item_price": ("item cost", "item price"),
    "item_sku": ("sku", "item sku"),
}

SHIPROCKET: Aliases = {
    "reference": ("order id",),
    "placed_at": ("order date",),
    "payment_method": ("payment method", "payment mode"),
    "first_name": ("customer first name", "buyers first name", "buyer first name"),
    "last_name": ("customer last name", "buyers last name", "buyer last name"),
    "shopper_name": ("buyer full name", "buyers full name", "customer full name", "customer name"),
    "phone": ("customer mobile", "buyers mobile no", "buyer mobile no", "buyers mobile", "buyer mobile", "buyer phone"),
    "alternate_phone": ("customer alternate mobile", "buyers alternate mobile", "alternate mobile"),
    "email": ("email", "buyers email", "customer email"),
    "address1": ("shipping address line 1|shipping complete address|shipping full address",),
    "address2": ("shipping address line 2",),
    "landmark": ("shipping address landmark",),
    "city": ("shipping address city",),
    "state": ("shipping address state",),
    "postal_code": ("shipping address postcode|shipping address pincode|shipping address zipcode",),
    "country": ("shipping address country",),
    "latitude": ("latitude",),
    "longitude": ("longitude",),
    "item_name": ("product name",),
    "item_quantity": ("product quantity", "quantity"),
    "item_price": ("selling price",),
    "item_discount": ("discount per unit item",),
    "item_sku": ("master sku", "sku"),
    "shipping_charge": ("shipping charges",),
    "cod_charge": ("cod charges",),
    "gift_charge": ("gift wrap charges",),
    "order_discount": ("total discount",),
}

OTHER: Aliases = {
    "reference": (
        "order number", "order no", "order id", "order name", "order reference", "order ref", "order",
        "order code", "customer order id", "channel order id", "display order code", "sale order code",
        "reference", "reference number", "reference no", "ref", "ref no", "orderid", "orderno", "bill no",
        "invoice no", "invoice number", "id", "number", "no pesanan", "nomor pesanan", "id pesanan", "pedido",
        "numero de pedido", "número de pedido", "id pedido", "mã đơn hàng", "رقم الطلب", "الطلب", "ऑर्डर नंबर",
        "ऑर्डर",
    ),
    "placed_at": (
        "order date", "created at", "order created at", "date", "placed at", "order placed on", "created",
        "order time", "date created", "timestamp", "tanggal", "tanggal pesanan", "fecha", "data",
        "data do pedido", "التاريخ", "तारीख",
    ),
    "financial_status": ("financial status", "payment status", "paid"),
    "paid_at": ("paid at", "date paid"),
    "fulfillment_status": ("fulfillment status", "fulfilment status", "shipping status", "delivery status"),
    "cancelled_at": ("cancelled at", "canceled at", "cancelled on", "cancelled", "canceled"),
    "order_status": ("order status", "status", "state of order", "estado del pedido", "حالة الطلب"),
    "payment_method": (
        "payment method", "payment mode", "payment type", "payment", "payment gateway", "gateway", "pay mode",
        "mode", "mode of payment", "pay", "paid by", "paid via", "pay by", "pay via", "pay type",
        "pay method", "payment option", "payment options", "payment by", "payment via", "method of payment",
        "cod prepaid", "prepaid cod", "payment method prepaid cod",
        "metode pembayaran", "pembayaran", "metodo de pago", "método de pago", "forma de pagamento",
        "طريقة الدفع", "الدفع", "भुगतान",
    ),
    "currency": ("currency", "order currency", "currency code", "moneda", "mata uang", "العملة"),
    "cod_amount": (
        "cod amount", "cod value", "amount to collect", "collectable amount", "collectible amount",
        "cash to collect", "amount to be collected", "collectable value", "nilai cod",
    ),
    "amount": (
        "total", "order total", "total amount", "grand total", "order amount", "amount", "order value",
        "total price", "net amount", "invoice value", "invoice amount", "bill amount", "value", "payable",
        "total payable", "price", "jumlah", "total harga", "harga", "monto", "importe", "valor", "valor total",
        "tổng tiền", "المبلغ", "الاجمالي", "الإجمالي", "राशि", "रकम", "कुल",
    ),
    "outstanding": ("outstanding balance", "balance due", "amount due", "due"),
    "refunded": ("refunded amount", "refund amount"),
    "first_name": ("shipping first name", "first name", "customer first name", "fname"),
    "last_name": ("shipping last name", "last name", "customer last name", "surname", "lname"),
    "shopper_name": (
        "shipping name", "shipping customer name", "customer name", "name", "full name", "buyer name",
        "receiver name", "consignee name", "consignee", "recipient", "recipient name", "customer", "contact name",
        "buyer", "client", "nama", "nama penerima", "nama pelanggan", "nombre", "nome", "cliente",
        "tên khách hàng", "الاسم", "اسم العميل", "नाम", "ग्राहक",
    ),
    "phone": (
        "shipping phone", "shipping contact number", "whatsapp", "whatsapp number", "whatsapp no", "phone",
        "phone number", "phone no", "mobile", "mobile number", "mobile no", "contact number", "contact no",
        "contact", "customer phone", "customer mobile", "customer phone number", "customer contact",
        "receiver phone", "consignee phone", "consignee contact", "consignee mobile", "cell", "cell number",
        "cell phone", "tel", "telephone", "ph", "ph no", "notification mobile", "billing phone", "buyer phone",
        "buyer mobile", "no hp", "nomor hp", "no telepon", "no wa", "nomor wa", "hp", "telepon", "telefono",
        "teléfono", "celular", "telefone", "movil", "móvil", "số điện thoại", "الهاتف", "الجوال", "رقم الهاتف",
        "رقم الجوال", "फोन", "मोबाइल", "मोबाइल नंबर", "فون",
    ),
    "alternate_phone": (
        "alternate phone", "alternate mobile", "alternate number", "alt phone", "alternate contact", "phone 2",
        "mobile 2", "secondary phone", "customer alternate mobile", "alternate no", "other phone",
    ),
    "email": (
        "email", "e mail", "email address", "customer email", "shipping email id", "notification email", "correo",
    ),
    "address1": (
        "shipping address1", "shipping address line 1", "shipping address 1", "shipping address",
        "address line 1", "address1", "address 1", "address", "full address", "complete address",
        "delivery address", "customer address", "consignee address", "street", "street address", "addr", "alamat",
        "alamat lengkap", "direccion", "dirección", "endereço", "endereco", "địa chỉ", "العنوان", "पता", "پتہ",
        "billing address1", "billing address line 1", "billing address",
    ),
    "address2": (
        "shipping address2", "shipping address line 2", "shipping address 2", "address line 2", "address2",
        "address 2", "apartment", "area", "locality", "colony", "street 2",
    ),
    "landmark": ("landmark", "shipping landmark", "near", "nearest landmark", "patokan", "address landmark"),
    "city": (
        "shipping city", "city", "town", "city name", "district", "customer city", "consignee city",
        "destination city", "kota", "kabupaten", "ciudad", "cidade", "thành phố", "المدينة", "शहर", "شہر",
    ),
    "state": (
        "shipping state", "shipping province", "state", "province", "region", "customer state", "provinsi",
        "estado", "provincia", "emirate", "governorate", "المنطقة", "المحافظة", "राज्य",
    ),
    "postal_code": (
        "shipping zip", "shipping pincode", "shipping pin code", "pincode", "pin code", "pin", "zip", "zip code",
        "zipcode", "postal code", "postcode", "post code", "customer pincode", "consignee pincode",
        "destination pincode", "kode pos", "codigo postal", "código postal", "cep", "الرمز البريدي", "पिन",
        "पिन कोड",
    ),
    "country": ("shipping country", "country", "country code", "negara", "pais", "país", "الدولة", "देश"),
    "latitude": ("latitude", "lat"),
    "longitude": ("longitude", "lng", "lon", "long"),
    "item_name": (
        "lineitem name", "product name", "product", "item name", "item", "product title", "items", "products",
        "item details", "description", "item description", "product details", "produk", "nama produk", "barang",
        "producto", "produto", "sản phẩm", "المنتج", "उत्पाद",
    ),
    "item_quantity": (
        "lineitem quantity", "quantity", "qty", "product quantity", "item quantity", "pcs", "units", "cantidad",
        "qtd", "الكمية",
    ),
    "item_price": ("lineitem price", "item price", "unit price", "selling price", "price per unit", "rate"),
    "item_sku": ("lineitem sku", "sku", "item sku code", "product sku", "sku code", "master sku"),
    "locale": ("language", "locale", "lang", "customer language"),
}  # fmt: skip
