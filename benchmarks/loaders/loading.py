"""The loaders of a request: each gathers the keys of one tick and runs one statement for all of them."""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlmodel import select
from strawberry.dataloader import DataLoader

from db.tables import Customer, Organization, Project, ProjectCustomer, ProjectOrganization


class Loaders:
    """One set for each request, so that nothing is kept between requests."""

    def __init__(self, sessions: async_sessionmaker[AsyncSession], workspace_id: str) -> None:
        self.sessions = sessions
        self.workspace_id = workspace_id
        self.organization = self._loader(self._organizations)
        self.children = self._loader(self._children)
        self.customers = self._loader(self._customers)
        self.projects = self._loader(self._projects)

    @staticmethod
    def _loader(load: Callable[[list[Any]], Awaitable[list[Any]]]) -> DataLoader[Any, Any]:
        return DataLoader(load_fn=load)

    async def all(self, statement: Any) -> Sequence[Any]:
        async with self.sessions() as session:
            return (await session.execute(statement)).all()

    async def entities(self, table: Any, *conditions: Any) -> list[Any]:
        async with self.sessions() as session:
            found = await session.scalars(select(table).where(table.workspace_id == self.workspace_id, *conditions))
            return list(found)

    async def _organizations(self, ids: list[str]) -> list[Organization | None]:
        found = {o.id: o for o in await self.entities(Organization, Organization.id.in_(ids))}
        return [found.get(one) for one in ids]

    async def _children(self, ids: list[str]) -> list[list[Organization]]:
        of = Organization.parent_id
        return _grouped(ids, await self.entities(Organization, of.in_(ids), _lives(Organization)), "parent_id")

    async def _customers(self, ids: list[str]) -> list[list[Customer]]:
        of = Customer.organization_id
        return _grouped(ids, await self.entities(Customer, of.in_(ids), _lives(Customer)), "organization_id")

    async def _projects(self, customers: list[tuple[str, str | None]]) -> list[list[Project]]:
        """The projects of customers: shared directly, or with the organization or one above it."""
        above = await self._above({organization for _, organization in customers if organization})
        ids = [customer for customer, _ in customers]
        direct, shared = defaultdict(set), defaultdict(set)
        of_customers, of_organizations = ProjectCustomer, ProjectOrganization
        mine = (of_customers.workspace_id == self.workspace_id, of_customers.customer_id.in_(ids))
        for customer, project in await self.all(select(of_customers.customer_id, of_customers.project_id).where(*mine)):
            direct[customer].add(project)
        every = {one for chain in above.values() for one in chain}
        ours = (of_organizations.workspace_id == self.workspace_id, of_organizations.organization_id.in_(every))
        for organization, project in await self.all(
            select(of_organizations.organization_id, of_organizations.project_id).where(*ours)
        ):
            shared[organization].add(project)
        seen = [
            direct[customer].union(*(shared[one] for one in above.get(organization, ())))
            for customer, organization in customers
        ]
        wanted = set().union(*seen)
        projects = {p.id: p for p in await self.entities(Project, Project.id.in_(wanted), _lives(Project))}
        return [_by_name(projects[one] for one in mine if one in projects) for mine in seen]

    async def _above(self, organizations: set[str]) -> dict[str | None, list[str]]:
        parents: dict[str, str | None] = {}
        level: set[str] = set(organizations)
        while level:
            found = [o for o in await self.organization.load_many(sorted(level)) if o is not None]
            parents |= {o.id: o.parent_id for o in found}
            level = {o.parent_id for o in found if o.parent_id and o.parent_id not in parents}
        chains: dict[str | None, list[str]] = {}
        for start in organizations:
            chain, one = [], start
            while one is not None and one in parents:
                chain.append(one)
                one = parents[one]
            chains[start] = chain
        return chains


def _lives(table: Any) -> Any:
    return table.archived_at.is_(None)


def _by_name(rows: Iterable[Any]) -> list[Any]:
    return sorted(rows, key=lambda row: (row.name_key, row.id))


def _grouped(ids: list[str], rows: list[Any], column: str) -> list[list[Any]]:
    groups: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        groups[getattr(row, column)].append(row)
    return [_by_name(groups[one]) for one in ids]
