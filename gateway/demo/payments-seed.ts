export type Customer = {
  readonly id: string;
  readonly object: 'customer';
  readonly created: number;
  readonly email: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly name: string;
};

/** Amounts are minor units: 4900 is 49.00. */
export type Charge = {
  readonly id: string;
  readonly object: 'charge';
  readonly amount: number;
  readonly amount_refunded: number;
  readonly created: number;
  readonly currency: string;
  readonly customer: string;
  readonly description: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly paid: boolean;
  readonly refunded: boolean;
  readonly status: 'succeeded';
};

/** 1 October 2026, 00:00 UTC: the same data at every start. */
const OPENED = 1_790_812_800;
const DAY = 86_400;

const customer = (n: number, name: string, email: string): Customer => ({
  id: `cus_Rd000000000${n}`,
  object: 'customer',
  created: OPENED + n * DAY,
  email,
  metadata: {},
  name,
});

const charge = (n: number, customer: string, amount: number, description: string): Charge => ({
  id: `ch_3Rd00000000000000000${n}`,
  object: 'charge',
  amount,
  amount_refunded: 0,
  created: OPENED + (10 + n) * DAY,
  currency: 'usd',
  customer,
  description,
  metadata: {},
  paid: true,
  refunded: false,
  status: 'succeeded',
});

export const CUSTOMERS: readonly Customer[] = [
  customer(1, 'Jo Marsh', 'jo@example.net'),
  customer(2, 'Northwind Trading', 'accounts@northwind.example'),
  customer(3, 'Sam Okafor', 'sam@example.net'),
];

export const CHARGES: readonly Charge[] = [
  charge(1, 'cus_Rd0000000001', 4_900, 'Headphones'),
  charge(2, 'cus_Rd0000000002', 1_200_000, 'Office furniture'),
  charge(3, 'cus_Rd0000000003', 89_900, 'Bicycle'),
];
