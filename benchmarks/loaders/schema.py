"""The part of the contract that the benchmark asks for, as types with resolvers."""
# ruff: noqa: A002  the contract's names

import secrets
import time
from typing import Any, Generic, TypeVar

import strawberry
from sqlalchemy import tuple_, union
from sqlmodel import select
from strawberry.extensions import ParserCache, ValidationCache

from benchmarks.loaders.loading import Loaders
from benchmarks.queries import position
from db import tables

T = TypeVar("T")
Info = strawberry.Info[Any, None]


def loaders(info: Info) -> Loaders:
    return info.context["loaders"]


@strawberry.type
class Connection(Generic[T]):
    nodes: list[T]


@strawberry.type
class Project:
    row: strawberry.Private[Any]
    id: strawberry.ID
    name: str

    @strawberry.field
    async def customers(self, info: Info, first: int = 20, after: str | None = None) -> "Connection[Customer]":
        loading, c = loaders(info), tables.Customer
        members = await _members(loading, self.row.id)
        conditions = [c.id.in_(members), c.archived_at.is_(None)]
        return Connection(nodes=[customer(row) for row in await _page(loading, c, conditions, first, after)])


@strawberry.type
class Organization:
    row: strawberry.Private[Any]
    id: strawberry.ID
    name: str

    @strawberry.field
    async def customers(self, info: Info, first: int = 20) -> "Connection[Customer]":
        found = await loaders(info).customers.load(self.row.id)
        return Connection(nodes=[customer(row) for row in found[:first]])

    @strawberry.field
    async def children(self, info: Info, first: int = 20) -> "Connection[Organization]":
        found = await loaders(info).children.load(self.row.id)
        return Connection(nodes=[organization(row) for row in found[:first]])


@strawberry.type
class Customer:
    row: strawberry.Private[Any]
    id: strawberry.ID
    email: str
    first_name: str | None
    last_name: str | None
    title: str | None

    @strawberry.field
    async def organization(self, info: Info) -> Organization | None:
        if self.row.organization_id is None:
            return None
        found = await loaders(info).organization.load(self.row.organization_id)
        return organization(found) if found else None

    @strawberry.field
    async def projects(self, info: Info, first: int = 20) -> Connection[Project]:
        found = await loaders(info).projects.load((self.row.id, self.row.organization_id))
        return Connection(nodes=[project(row) for row in found[:first]])


def customer(row: tables.Customer) -> Customer:
    return Customer(
        row=row, id=row.id, email=row.email, first_name=row.first_name, last_name=row.last_name, title=row.title
    )


def organization(row: tables.Organization) -> Organization:
    return Organization(row=row, id=row.id, name=row.name)


def project(row: tables.Project) -> Project:
    return Project(row=row, id=row.id, name=row.name)


async def _page(loading: Loaders, table: Any, conditions: list[Any], first: int, after: str | None) -> list[Any]:
    query = select(table).where(table.workspace_id == loading.workspace_id, *conditions)
    if after is not None:
        query = query.where(tuple_(table.name_key, table.id) > tuple_(*position(after)))
    async with loading.sessions() as session:
        return list(await session.scalars(query.order_by(table.name_key, table.id).limit(first)))


async def _members(loading: Loaders, project_id: str) -> Any:
    """The ids of the customers who see a project, as a sub-select."""
    workspace, c, o = loading.workspace_id, tables.Customer, tables.Organization
    direct, shared = tables.ProjectCustomer, tables.ProjectOrganization
    tree = (
        select(shared.organization_id.label("id"))
        .where(shared.workspace_id == workspace, shared.project_id == project_id)
        .cte("tree", recursive=True)
    )
    below = select(o.id).where(o.workspace_id == workspace, o.parent_id == tree.c.id, o.archived_at.is_(None))
    tree = tree.union(below)
    members = select(c.id).where(
        c.workspace_id == workspace, c.organization_id.in_(select(tree.c.id)), c.archived_at.is_(None)
    )
    directly = select(direct.customer_id).where(direct.workspace_id == workspace, direct.project_id == project_id)
    return union(directly, members)


@strawberry.input
class Reference:
    id: strawberry.ID


@strawberry.input
class OrganizationFilter:
    root: bool | None = None


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, info: Info, by: Reference) -> Customer | None:
        loading = loaders(info)
        found = await loading.entities(tables.Customer, tables.Customer.id == by.id)
        return customer(found[0]) if found else None

    @strawberry.field
    async def customers(self, info: Info, first: int = 50, after: str | None = None) -> Connection[Customer]:
        c = tables.Customer
        rows = await _page(loaders(info), c, [c.archived_at.is_(None)], first, after)
        return Connection(nodes=[customer(row) for row in rows])

    @strawberry.field
    async def organizations(
        self, info: Info, filter: OrganizationFilter | None = None, first: int = 50, after: str | None = None
    ) -> Connection[Organization]:
        o = tables.Organization
        conditions = [o.archived_at.is_(None)]
        if filter is not None and filter.root:
            conditions.append(o.parent_id.is_(None))
        rows = await _page(loaders(info), o, conditions, first, after)
        return Connection(nodes=[organization(row) for row in rows])

    @strawberry.field
    async def project(self, info: Info, by: Reference) -> Project | None:
        found = await loaders(info).entities(tables.Project, tables.Project.id == by.id)
        return project(found[0]) if found else None


@strawberry.type
class Problem:
    message: str


@strawberry.input
class CreateCustomerInput:
    email: str
    first_name: str
    last_name: str
    title: str
    organization_id: strawberry.ID


@strawberry.type
class CreateCustomerPayload:
    customer: Customer | None
    errors: list[Problem]


@strawberry.input
class MoveTarget:
    organization_id: strawberry.ID


@strawberry.input
class MoveCustomersInput:
    customer_ids: list[strawberry.ID]
    to: MoveTarget


@strawberry.type
class MoveCustomersPayload:
    count: int
    errors: list[Problem]


@strawberry.type
class Mutation:
    @strawberry.mutation
    async def create_customer(self, info: Info, input: CreateCustomerInput) -> CreateCustomerPayload:
        loading, now = loaders(info), time.time_ns() // 1_000_000
        row = tables.Customer(
            workspace_id=loading.workspace_id,
            id=f"cus_{secrets.token_hex(13)}",
            email=input.email,
            email_key=input.email,
            first_name=input.first_name,
            first_name_key=input.first_name.lower(),
            last_name=input.last_name,
            last_name_key=input.last_name.lower(),
            name_key=f"{input.first_name} {input.last_name}".lower(),
            title=input.title,
            organization_id=input.organization_id,
            created_at=now,
            updated_at=now,
        )
        async with loading.sessions() as session:
            session.add(row)
            await session.commit()
        return CreateCustomerPayload(customer=customer(row), errors=[])

    @strawberry.mutation
    async def move_customers(self, info: Info, input: MoveCustomersInput) -> MoveCustomersPayload:
        loading = loaders(info)
        async with loading.sessions() as session:
            for customer_id in input.customer_ids:
                row = await session.get_one(tables.Customer, (loading.workspace_id, customer_id))
                row.organization_id = input.to.organization_id
                row.version += 1
                row.updated_at = time.time_ns() // 1_000_000
            await session.commit()
        return MoveCustomersPayload(count=len(input.customer_ids), errors=[])


schema = strawberry.Schema(Query, Mutation, extensions=[ParserCache(), ValidationCache()])
