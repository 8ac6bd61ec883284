from .base_model import BaseModel
from .enums import Permission


class Permissions(BaseModel):
    viewer: "PermissionsViewer"


class PermissionsViewer(BaseModel):
    permissions: list[Permission]


Permissions.model_rebuild()
