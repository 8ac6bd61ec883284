from collections.abc import AsyncIterator
from typing import Any, Optional, Union

from .archive_customers import ArchiveCustomers
from .async_base_client import AsyncBaseClient
from .base_model import UNSET, UnsetType
from .change_records import ChangeRecords
from .changes import Changes
from .create_customer import CreateCustomer
from .customer import Customer
from .customers import Customers
from .customers_changed import CustomersChanged
from .enums import ImportKind
from .import_ import Import
from .import_customers import ImportCustomers
from .import_organizations import ImportOrganizations
from .import_preview import ImportPreview
from .import_rows import ImportRows
from .import_tickets import ImportTickets
from .input_types import (
    ArchiveCustomersInput,
    CreateCustomerInput,
    CustomerFilter,
    CustomerOrder,
    CustomerRef,
    ImportFileInput,
    ImportRowFilter,
    MoveCustomersInput,
    OrganizationFilter,
    UpdateCustomerInput,
    UpsertCustomersInput,
)
from .latest_change import LatestChange
from .move_customers import MoveCustomers
from .organizations import Organizations
from .permissions import Permissions
from .update_customer import UpdateCustomer
from .upsert_customers import UpsertCustomers


def gql(q: str) -> str:
    return q


class Operations(AsyncBaseClient):
    async def permissions(self, **kwargs: Any) -> Permissions:
        query = gql("""
            query Permissions {
              viewer {
                permissions
              }
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="Permissions", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Permissions.model_validate(data)

    async def customer(self, by: CustomerRef, **kwargs: Any) -> Customer:
        query = gql("""
            query Customer($by: CustomerRef!) {
              customer(by: $by) {
                ...CustomerFields
              }
            }

            fragment CustomerFields on Customer {
              id
              version
              email
              firstName
              lastName
              name
              phone
              title
              externalId
              status
              createdAt
              updatedAt
              organization {
                id
                name
              }
            }
            """)
        variables: dict[str, object] = {"by": by}
        response = await self.execute(
            query=query, operation_name="Customer", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Customer.model_validate(data)

    async def customers(
        self,
        filter_: Union[Optional[CustomerFilter], UnsetType] = UNSET,
        search: Union[Optional[str], UnsetType] = UNSET,
        order_by: Union[Optional[list[CustomerOrder]], UnsetType] = UNSET,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Customers:
        query = gql("""
            query Customers($filter: CustomerFilter, $search: String, $orderBy: [CustomerOrder!], $first: Int = 250, $after: String) {
              customers(
                filter: $filter
                search: $search
                orderBy: $orderBy
                first: $first
                after: $after
              ) {
                nodes {
                  ...CustomerFields
                }
                pageInfo {
                  hasNextPage
                  endCursor
                }
              }
            }

            fragment CustomerFields on Customer {
              id
              version
              email
              firstName
              lastName
              name
              phone
              title
              externalId
              status
              createdAt
              updatedAt
              organization {
                id
                name
              }
            }
            """)
        variables: dict[str, object] = {
            "filter": filter_,
            "search": search,
            "orderBy": order_by,
            "first": first,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="Customers", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Customers.model_validate(data)

    async def organizations(
        self,
        filter_: Union[Optional[OrganizationFilter], UnsetType] = UNSET,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Organizations:
        query = gql("""
            query Organizations($filter: OrganizationFilter, $first: Int = 250, $after: String) {
              organizations(filter: $filter, first: $first, after: $after) {
                nodes {
                  id
                  version
                  name
                  externalId
                  parent {
                    id
                  }
                }
                pageInfo {
                  hasNextPage
                  endCursor
                }
              }
            }
            """)
        variables: dict[str, object] = {
            "filter": filter_,
            "first": first,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="Organizations", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Organizations.model_validate(data)

    async def latest_change(self, **kwargs: Any) -> LatestChange:
        query = gql("""
            query LatestChange {
              changes(last: 1) {
                edges {
                  cursor
                  node {
                    ...ChangeFields
                  }
                }
              }
            }

            fragment ChangeFields on Change {
              number
              at
              operation
              count
            }
            """)
        variables: dict[str, object] = {}
        response = await self.execute(
            query=query, operation_name="LatestChange", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return LatestChange.model_validate(data)

    async def changes(
        self,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> Changes:
        query = gql("""
            query Changes($first: Int = 100, $after: String) {
              changes(first: $first, after: $after) {
                edges {
                  cursor
                  node {
                    ...ChangeFields
                    records(first: 250) {
                      nodes {
                        ...RecordFields
                      }
                      pageInfo {
                        hasNextPage
                        endCursor
                      }
                    }
                  }
                }
                pageInfo {
                  hasNextPage
                  endCursor
                }
              }
            }

            fragment ChangeFields on Change {
              number
              at
              operation
              count
            }

            fragment RecordFields on ChangeRecord {
              recordId
              action
              before
              after
            }
            """)
        variables: dict[str, object] = {"first": first, "after": after}
        response = await self.execute(
            query=query, operation_name="Changes", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Changes.model_validate(data)

    async def change_records(
        self,
        position: Union[Optional[str], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> ChangeRecords:
        query = gql("""
            query ChangeRecords($position: String, $after: String) {
              changes(first: 1, after: $position) {
                nodes {
                  number
                  records(first: 250, after: $after) {
                    nodes {
                      ...RecordFields
                    }
                    pageInfo {
                      hasNextPage
                      endCursor
                    }
                  }
                }
              }
            }

            fragment RecordFields on ChangeRecord {
              recordId
              action
              before
              after
            }
            """)
        variables: dict[str, object] = {"position": position, "after": after}
        response = await self.execute(
            query=query, operation_name="ChangeRecords", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ChangeRecords.model_validate(data)

    async def create_customer(
        self, input: CreateCustomerInput, **kwargs: Any
    ) -> CreateCustomer:
        query = gql("""
            mutation CreateCustomer($input: CreateCustomerInput!) {
              createCustomer(input: $input) {
                customer {
                  ...CustomerFields
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment CustomerFields on Customer {
              id
              version
              email
              firstName
              lastName
              name
              phone
              title
              externalId
              status
              createdAt
              updatedAt
              organization {
                id
                name
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="CreateCustomer", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return CreateCustomer.model_validate(data)

    async def update_customer(
        self, input: UpdateCustomerInput, **kwargs: Any
    ) -> UpdateCustomer:
        query = gql("""
            mutation UpdateCustomer($input: UpdateCustomerInput!) {
              updateCustomer(input: $input) {
                customer {
                  ...CustomerFields
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment CustomerFields on Customer {
              id
              version
              email
              firstName
              lastName
              name
              phone
              title
              externalId
              status
              createdAt
              updatedAt
              organization {
                id
                name
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="UpdateCustomer", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return UpdateCustomer.model_validate(data)

    async def upsert_customers(
        self, input: UpsertCustomersInput, **kwargs: Any
    ) -> UpsertCustomers:
        query = gql("""
            mutation UpsertCustomers($input: UpsertCustomersInput!) {
              upsertCustomers(input: $input) {
                count
                results {
                  outcome
                  customer {
                    ...CustomerFields
                  }
                  errors {
                    __typename
                    ...Problem
                  }
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment CustomerFields on Customer {
              id
              version
              email
              firstName
              lastName
              name
              phone
              title
              externalId
              status
              createdAt
              updatedAt
              organization {
                id
                name
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="UpsertCustomers", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return UpsertCustomers.model_validate(data)

    async def move_customers(
        self, input: MoveCustomersInput, **kwargs: Any
    ) -> MoveCustomers:
        query = gql("""
            mutation MoveCustomers($input: MoveCustomersInput!) {
              moveCustomers(input: $input) {
                count
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="MoveCustomers", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return MoveCustomers.model_validate(data)

    async def archive_customers(
        self, input: ArchiveCustomersInput, **kwargs: Any
    ) -> ArchiveCustomers:
        query = gql("""
            mutation ArchiveCustomers($input: ArchiveCustomersInput!) {
              archiveCustomers(input: $input) {
                count
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query,
            operation_name="ArchiveCustomers",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return ArchiveCustomers.model_validate(data)

    async def import_preview(
        self, upload_id: str, kind: ImportKind, **kwargs: Any
    ) -> ImportPreview:
        query = gql("""
            query ImportPreview($uploadId: ID!, $kind: ImportKind!) {
              upload(id: $uploadId) {
                id
                filename
                mediaType
                preview(kind: $kind) {
                  encoding
                  delimiter
                  columns {
                    column
                    field
                    reason
                    samples
                  }
                  rows
                }
              }
            }
            """)
        variables: dict[str, object] = {"uploadId": upload_id, "kind": kind}
        response = await self.execute(
            query=query, operation_name="ImportPreview", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ImportPreview.model_validate(data)

    async def import_customers(
        self, input: ImportFileInput, **kwargs: Any
    ) -> ImportCustomers:
        query = gql("""
            mutation ImportCustomers($input: ImportFileInput!) {
              importCustomers(input: $input) {
                import {
                  ...Progress
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }

            fragment Progress on Import {
              id
              kind
              status
              dryRun
              totalRecords
              errorCode
              errorMessage
              counts {
                records
                created
                updated
                unchanged
                skipped
                refused
                warnings
                unmatched
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="ImportCustomers", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ImportCustomers.model_validate(data)

    async def import_organizations(
        self, input: ImportFileInput, **kwargs: Any
    ) -> ImportOrganizations:
        query = gql("""
            mutation ImportOrganizations($input: ImportFileInput!) {
              importOrganizations(input: $input) {
                import {
                  ...Progress
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }

            fragment Progress on Import {
              id
              kind
              status
              dryRun
              totalRecords
              errorCode
              errorMessage
              counts {
                records
                created
                updated
                unchanged
                skipped
                refused
                warnings
                unmatched
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query,
            operation_name="ImportOrganizations",
            variables=variables,
            **kwargs,
        )
        data = self.get_data(response)
        return ImportOrganizations.model_validate(data)

    async def import_tickets(
        self, input: ImportFileInput, **kwargs: Any
    ) -> ImportTickets:
        query = gql("""
            mutation ImportTickets($input: ImportFileInput!) {
              importTickets(input: $input) {
                import {
                  ...Progress
                }
                errors {
                  __typename
                  ...Problem
                }
              }
            }

            fragment Problem on UserError {
              code
              message
              path
            }

            fragment Progress on Import {
              id
              kind
              status
              dryRun
              totalRecords
              errorCode
              errorMessage
              counts {
                records
                created
                updated
                unchanged
                skipped
                refused
                warnings
                unmatched
              }
            }
            """)
        variables: dict[str, object] = {"input": input}
        response = await self.execute(
            query=query, operation_name="ImportTickets", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ImportTickets.model_validate(data)

    async def import_(self, id: str, **kwargs: Any) -> Import:
        query = gql("""
            query Import($id: ID!) {
              import(id: $id) {
                ...Progress
              }
            }

            fragment Progress on Import {
              id
              kind
              status
              dryRun
              totalRecords
              errorCode
              errorMessage
              counts {
                records
                created
                updated
                unchanged
                skipped
                refused
                warnings
                unmatched
              }
            }
            """)
        variables: dict[str, object] = {"id": id}
        response = await self.execute(
            query=query, operation_name="Import", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return Import.model_validate(data)

    async def import_rows(
        self,
        id: str,
        filter_: Union[Optional[ImportRowFilter], UnsetType] = UNSET,
        first: Union[Optional[int], UnsetType] = UNSET,
        after: Union[Optional[str], UnsetType] = UNSET,
        **kwargs: Any,
    ) -> ImportRows:
        query = gql("""
            query ImportRows($id: ID!, $filter: ImportRowFilter, $first: Int = 250, $after: String) {
              import(id: $id) {
                rows(filter: $filter, first: $first, after: $after) {
                  nodes {
                    line
                    status
                    errors {
                      column
                      value
                      code
                      message
                      hint
                    }
                  }
                  pageInfo {
                    hasNextPage
                    endCursor
                  }
                }
              }
            }
            """)
        variables: dict[str, object] = {
            "id": id,
            "filter": filter_,
            "first": first,
            "after": after,
        }
        response = await self.execute(
            query=query, operation_name="ImportRows", variables=variables, **kwargs
        )
        data = self.get_data(response)
        return ImportRows.model_validate(data)

    async def customers_changed(
        self, after: Union[Optional[int], UnsetType] = UNSET, **kwargs: Any
    ) -> AsyncIterator[CustomersChanged]:
        query = gql("""
            subscription CustomersChanged($after: Int) {
              customersChanged(after: $after) {
                ...ChangeFields
                records(first: 250) {
                  nodes {
                    ...RecordFields
                  }
                }
              }
            }

            fragment ChangeFields on Change {
              number
              at
              operation
              count
            }

            fragment RecordFields on ChangeRecord {
              recordId
              action
              before
              after
            }
            """)
        variables: dict[str, object] = {"after": after}
        async for data in self.execute_ws(
            query=query,
            operation_name="CustomersChanged",
            variables=variables,
            **kwargs,
        ):
            yield CustomersChanged.model_validate(data)
